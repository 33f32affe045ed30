"""Which addresses a namespace has: what of what was given out still stands."""

from collections.abc import Iterator
from contextlib import nullcontext
from ipaddress import ip_address

from nsm.dataplane import encode, rtnl
from nsm.dataplane.encode import Address
from nsm.dataplane.netlink import Answer, Netlink, Refused, attributes
from nsm.dataplane.netns import Netns, standing_in
from nsm.errors import NsmError


def addresses_in(url: str) -> frozenset[Address]:
    """Every address of its interfaces, of any scope; for worker threads.

    Of the namespace we stand in already, whoever we are: to enter one takes a privilege.
    """
    here, netns = Netns.current(), Netns.open(url)
    try:
        with nullcontext() if netns == here else standing_in(netns), Netlink() as kernel:
            return frozenset(_told(kernel.ask(encode.get_addresses())))
    finally:
        here.close()
        netns.close()


def _told(answer: Answer) -> Iterator[Address]:
    if isinstance(answer, Refused):
        raise NsmError(f"the kernel does not say which addresses there are: {answer}")
    for kind, body in answer:
        found = attributes(body, 8)
        packed = found.get(rtnl.IFA_LOCAL) or found.get(rtnl.IFA_ADDRESS)
        if kind == rtnl.RTM_NEWADDR and packed:
            yield ip_address(packed)
