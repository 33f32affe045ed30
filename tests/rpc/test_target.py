"""URLs, and where they lead."""

import pytest

from nsm.errors import Invalid
from nsm.rpc.target import Target, target_of


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("unix:///run/a.sock", Target(path="/run/a.sock"), "localhost"),
        ("unix:/run/a.sock", Target(path="/run/a.sock"), "localhost"),
        ("unix:a.sock", Target(path="a.sock"), "localhost"),
        ("unix:///proc/12/fd/7", Target(path="/proc/12/fd/7"), "localhost"),
        ("tcp://10.0.0.1:5001", Target(host="10.0.0.1", port=5001), "10.0.0.1:5001"),
        ("tcp://[fd00::1]:5001", Target(host="fd00::1", port=5001), "[fd00::1]:5001"),
        ("tcp://:5002", Target(port=5002), ":5002"),
        ("registry:5002", Target(host="registry", port=5002), "registry:5002"),
        ("registry.nsm-system.svc:5002", Target(host="registry.nsm-system.svc", port=5002), None),
        ("10.0.0.1:1", Target(host="10.0.0.1", port=1), "10.0.0.1:1"),
    ],
)
def test_a_url_leads_somewhere(url, target, authority):
    assert target_of(url) == target
    assert authority in (None, target.authority)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "registry",
        "tcp://registry",
        "tcp://r:70000",
        "tcp://r:x",
        "http://r:1",
        "inode://4/5",
        "tcp://r:1/path",
        "tcp://r:1?x=y",
        "unix:",
        "unix:///a\0b",
        "unix:///" + "a" * 107,
        "tcp://[::1:5",
    ],
)
def test_a_url_that_leads_nowhere_is_refused_and_says_what_to_write(url):
    with pytest.raises(Invalid) as caught:
        target_of(url)
    assert caught.value.fix


@pytest.mark.parametrize("url", ["unix:///a", "tcp://10.0.0.1:1", "tcp://[::1]:1", "tcp://:0"])
def test_a_target_says_its_url(url):
    assert str(target_of(url)) == url
