"""What is done to a connection or record on its way: one concern a package, one element a file."""
