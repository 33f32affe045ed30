"""Decide what a connection needs of the kernel. Pure: connection in, ops out.

`local` and `remote` make a vWire's ops, `refresh` what brings one up to date, `beside` what puts
another in its place, `undo` what removes it. Both halves of a local vWire are one plan; of a remote
one, each forwarder plans its own end.
"""

from nsm.dataplane.plan.again import ends, refresh, undo
from nsm.dataplane.plan.beside import Beside, beside, is_going
from nsm.dataplane.plan.join import End, Underlay, hardware_address, local, remote, tunnel_mtu
from nsm.dataplane.plan.side import CLIENT, ENDPOINT

__all__ = [
    "CLIENT",
    "ENDPOINT",
    "Beside",
    "End",
    "Underlay",
    "beside",
    "ends",
    "hardware_address",
    "is_going",
    "local",
    "refresh",
    "remote",
    "tunnel_mtu",
    "undo",
]
