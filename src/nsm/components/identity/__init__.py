"""The authority that gives identities where there is no SPIRE."""
