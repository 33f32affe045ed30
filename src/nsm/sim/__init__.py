"""Whole meshes in one process and on virtual time, made and broken as one seed says.

The programs are the real ones: their recipes, their wiring, the bytes of their messages. Made up
are the network between them, the kernels under them, the disks, who signs, and what time it is.
"""
