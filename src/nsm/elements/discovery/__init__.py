"""Who serves, who forwards, and whether they still should."""
