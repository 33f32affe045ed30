"""Hostile words about tunnels."""

import pytest

from nsm.api.mechanism import Mechanism
from nsm.elements.mechanism.vxlan import agree_mtu, check_peer, mtu_of, vni_of
from nsm.errors import Invalid


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "٣", "9" * 5000, "16777216"])
def test_what_is_no_vni_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="vni="):
        vni_of(Mechanism(parameters={"vni": text}))


@pytest.mark.parametrize(
    ("said", "limit", "agreed"),
    [("", 1450, 1450), ("9000", 1450, 1450), ("1400", 1450, 1400), ("1400", 0, 1400), ("", 0, 0)],
)
def test_the_smaller_mtu_holds(said: str, limit: int, agreed: int) -> None:
    assert mtu_of(agree_mtu(Mechanism(parameters={"MTU": said}), limit)) == agreed


@pytest.mark.parametrize(
    "theirs", ["", "x", "fd00::1", "239.0.0.1", "0.0.0.0", "127.0.0.1", "10.0.0.1%eth0"]
)
def test_a_tunnel_leads_to_one_host_of_our_family(theirs: str) -> None:
    with pytest.raises(Invalid):
        check_peer(theirs, "10.0.0.1")


def test_a_host_of_our_family_will_do() -> None:
    check_peer("10.0.0.2", "10.0.0.1")
    check_peer("2001:db8::2", "2001:db8::1")
