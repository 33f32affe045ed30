"""The program that serves a network service: one of ours, or one of yours from a file."""
