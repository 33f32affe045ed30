"""Messages as bytes: the one reader of generated code."""
