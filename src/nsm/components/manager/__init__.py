"""The program of a node that takes requests, chooses the forwarder, and tells who watches."""
