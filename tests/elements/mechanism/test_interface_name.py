"""Names for interfaces nobody named."""

import re

from hypothesis import given
from hypothesis import strategies as st

from nsm.elements.mechanism.interface_name import interface_name


def test_a_name_begins_as_the_service_does() -> None:
    assert re.fullmatch(r"icmp-respo-[0-9A-Za-z]{4}", interface_name("icmp-responder"))
    assert re.fullmatch(r"vpn-[0-9A-Za-z]{11}", interface_name("vpn"))


@given(st.text())
def test_every_name_is_one_the_kernel_takes(service: str) -> None:
    name = interface_name(service)
    assert len(name.encode()) == 15
    assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
