package ours.client_allowed

default valid = false

valid { not input.resource_path_ids_map[input.resource_name] }

valid { input.resource_path_ids_map[input.resource_name][0] == input.resource_id }
