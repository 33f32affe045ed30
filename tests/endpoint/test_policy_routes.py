"""The file of policy routes (W §14)."""

import pytest

from nsm.api.context import PolicyRoute, Route
from nsm.endpoint.policy_routes import read
from nsm.errors import Invalid


def test_policies_are_read_as_upstream_writes_them() -> None:
    text = b"""
- from: 172.16.2.200/24
  proto: 6
  dstport: 5555
  srcport: 5557-5559
  routes: [{prefix: 172.16.4.0/24, nexthop: 172.16.1.2}, {prefix: 0.0.0.0/0}]
- proto: "17"
"""
    first = PolicyRoute(
        from_="172.16.2.200/24",
        proto="6",
        dst_port="5555",
        src_port="5557-5559",
        routes=(Route("172.16.4.0/24", "172.16.1.2"), Route("0.0.0.0/0", "")),
    )
    assert read(text) == (first, PolicyRoute(proto="17"))


@pytest.mark.parametrize("text", [b"", b"[]", b"# none"])
def test_an_empty_file_is_no_policies(text: bytes) -> None:
    assert read(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        b"from: 10.0.0.1",
        b"[5]",
        b"[{form: 10.0.0.1}]",
        b"[{routes: [10.0.0.0/8]}]",
        b"[{routes: [{prefix: [1]}]}]",
        b"[{routes: [{nexthop: 10.0.0.1}]}]",
        b"[",
        b"\xff\xfe\x00",
        b"- !!python/object:os.system {}",
    ],
)
def test_what_is_no_list_of_policies_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid):
        read(text)
