"""What the manager reads from files, and where it says that it is."""

import pytest

from nsm.components.manager.program import own_address, public_url, read_prefixes
from nsm.errors import Invalid


def test_excluded_prefixes_are_a_list_under_a_key() -> None:
    assert read_prefixes(b'prefixes: [10.0.0.0/8, "fd00::/8"]') == ("10.0.0.0/8", "fd00::/8")
    assert read_prefixes(b"prefixes: []") == ()


@pytest.mark.parametrize(
    "text",
    [
        b"prefixes: 10.0.0.0/8",
        b"[10.0.0.0/8]",
        b"prefixes: [10.0.0.0/33]",
        b"prefixes: [here]",
        b"prefix: [10.0.0.0/8]",
        b"prefixes: [",
        b"\xff\xfe\x00",
        b"prefixes: [" + b"10.0.0.0/8," * 5000 + b"]",
    ],
)
def test_what_is_no_list_of_prefixes_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid):
        read_prefixes(text)


@pytest.mark.parametrize(
    ("listen_on", "public"),
    [
        (["unix:///nsm.io.sock"], "unix:///nsm.io.sock"),
        (["unix:///nsm.io.sock", "tcp://10.0.0.1:5001"], "tcp://10.0.0.1:5001"),
        (["tcp://10.0.0.1:5001", "tcp://10.0.0.2:5001"], "tcp://10.0.0.1:5001"),
        (["tcp://node-1:5001"], "tcp://node-1:5001"),
        (["tcp://[2001:db8::1]:5001"], "tcp://[2001:db8::1]:5001"),
    ],
)
def test_others_reach_it_at_its_first_tcp_address(listen_on: list[str], public: str) -> None:
    assert public_url(listen_on) == public


@pytest.mark.parametrize("host", ["", "0.0.0.0", "[::]"])
def test_a_host_left_out_is_an_address_of_ours(host: str) -> None:
    try:
        own = own_address()
    except Invalid:
        pytest.skip("this host has no address others could reach")
    assert public_url([f"tcp://{host}:5001"]) in (f"tcp://{own}:5001", f"tcp://[{own}]:5001")


def test_a_manager_that_listens_nowhere_says_what_to_set() -> None:
    with pytest.raises(Invalid, match="NSM_LISTEN_ON"):
        public_url([])
