"""Names for interfaces nobody named."""

import re

from hypothesis import given
from hypothesis import strategies as st

from nsm.elements.mechanism.interface_name import interface_name


def test_a_name_begins_as_the_service_does() -> None:
    assert re.fullmatch(r"icmp-r-[0-9a-f]{8}", interface_name("icmp-responder", "c"))
    assert re.fullmatch(r"vpn-[0-9a-f]{11}", interface_name("vpn", "c"))


def test_a_connection_has_one_name_and_no_other_has_it() -> None:
    names = [interface_name("vpn", f"c{number}") for number in range(10_000)]
    assert len(set(names)) == 10_000
    assert interface_name("vpn", "c7") == names[7]


@given(st.text(), st.text())
def test_every_name_is_one_the_kernel_takes(service: str, connection: str) -> None:
    name = interface_name(service, connection)
    assert len(name.encode()) == 15
    assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
