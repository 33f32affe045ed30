"""The nouns of the mesh: frozen values and pure rules on them; no I/O, nothing of the wire."""
