"""The programs: each a config, a recipe, and a main; they do not know each other."""
