"""The kernel's side of a vWire: what to do is decided by `plan`, and done by a `Driver`."""
