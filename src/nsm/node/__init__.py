"""Manager and forwarder, and where asked registry and authority, composed in one process."""
