package ours.service_connection

import rego.v1

default valid := false

valid if {
    some wanted in input.selector_connection_ids
    some known in input.spiffe_id_connection_map[input.service_spiffe_id]
    wanted == known
}
