"""What the kernel refuses becomes an answer that a peer can act on."""

import errno
from ipaddress import ip_interface

import pytest

from nsm.dataplane.driver import NameTaken
from nsm.dataplane.fake import netns
from nsm.dataplane.netlink import Refused
from nsm.dataplane.ops import AddAddress, AddVeth, DelAddress, LinkEnd
from nsm.dataplane.steps import mac, refusal, step
from nsm.errors import Denied, Invalid, NotFound, NsmError, Unsupported

HERE = netns()
ADDRESS = AddAddress(HERE, "nsm-1", ip_interface("10.0.0.1/32"))


@pytest.mark.parametrize(
    ("code", "kind", "fix"),
    [
        (errno.EPERM, Denied, "CAP_NET_ADMIN"),
        (errno.EOPNOTSUPP, Unsupported, "nsm check"),
        (errno.ENODEV, NotFound, "ask again"),
        (errno.EEXIST, NameTaken, "another interface name"),
        (errno.EINVAL, Invalid, ""),
        (errno.ENOBUFS, NsmError, ""),
    ],
)
def test_a_refusal_says_what_failed_why_and_what_to_do(code, kind, fix) -> None:
    error = refusal(ADDRESS, Refused(code, "the kernel's words"))
    assert type(error) is kind
    assert "cannot give nsm-1 the address 10.0.0.1/32: the kernel's words" in str(error)
    assert fix in error.fix


def test_without_words_the_errno_speaks() -> None:
    veth = AddVeth(LinkEnd(HERE, "a"), LinkEnd(HERE, "b"))
    assert "Operation not permitted" in str(refusal(veth, Refused(errno.EPERM)))


def test_adding_what_is_there_and_removing_what_is_gone_is_settled() -> None:
    adding = step(ADDRESS, {(HERE, "nsm-1"): 7})
    removing = step(DelAddress(HERE, "nsm-1", ADDRESS.address), {(HERE, "nsm-1"): 7})
    assert adding.settled(Refused(errno.EEXIST))
    assert not adding.settled(Refused(errno.ENODEV))
    assert removing.settled(Refused(errno.EADDRNOTAVAIL))
    assert not removing.settled(Refused(errno.EEXIST))


@pytest.mark.parametrize("text", ["", "02:00", "zz:00:00:00:00:00", "01:00:5e:00:00:01", "0" * 13])
def test_what_is_no_hardware_address_is_refused(text) -> None:
    with pytest.raises(Invalid):
        mac(text)


def test_a_hardware_address_is_read_as_people_write_it() -> None:
    assert mac("02:00:5e:00:00:01") == mac("02-00-5E-00-00-01") == bytes.fromhex("02005e000001")
