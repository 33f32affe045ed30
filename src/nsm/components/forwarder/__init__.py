"""The program of a node that chooses the endpoint and builds the vWire."""
