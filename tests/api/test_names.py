import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.mechanism import Mechanism
from nsm.api.names import FileUrl, InodeUrl, NsUrl, check_interface, check_name, join, split
from nsm.errors import Invalid


@pytest.mark.parametrize(
    ("name", "target", "domain"),
    [("svc", "svc", ""), ("svc@dom", "svc", "dom"), ("a@b@c", "a", "b@c"), ("", "", "")],
)
def test_a_name_is_split_at_the_first_at(name: str, target: str, domain: str) -> None:
    assert split(name) == (target, domain)
    assert join(target, domain) == name


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("kernel://svc", NsUrl("KERNEL", "svc")),
        ("kernel://svc/", NsUrl("KERNEL", "svc")),
        (
            "kernel://svc@my.dom/nsm-1?app=web",
            NsUrl("KERNEL", "svc@my.dom", "nsm-1", {"app": "web"}),
        ),
        ("Kernel://Svc?a=1&b=&a=2", NsUrl("KERNEL", "Svc", "", {"a": "1,2", "b": ""})),
        ("memif://a@b@c", NsUrl("MEMIF", "a@b@c")),
        (
            "kernel://svc?t=%7B%7B.podName%7D%7D+x",
            NsUrl("KERNEL", "svc", "", {"t": "{{.podName}} x"}),
        ),
        ("kernel://svc?t={{.podName}}", NsUrl("KERNEL", "svc", "", {"t": "{{.podName}}"})),
        ("kernel://my%2Esvc/nsm%2D1", NsUrl("KERNEL", "my.svc", "nsm-1")),
    ],
)
def test_an_ns_url_is_read(text: str, read: NsUrl) -> None:
    assert NsUrl.parse(text) == read


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "is no NS-URL"),
        ("svc", "is no NS-URL"),
        ("kernel:svc", "is no NS-URL"),
        ("kernel://svc#x", "is no NS-URL"),
        ("kernel://svc/nsm-1\n", "is no NS-URL"),
        ("kernel://sv\x00c", "is no NS-URL"),
        ("kernel://" + "s" * 5000, "is no NS-URL"),
        ("kernl://svc", "mechanism 'kernl' is not known"),
        ("vxlan://svc", "mechanism 'vxlan' is not known"),
        ("kernel://", "names no service"),
        ("kernel://@dom", "names no service"),
        ("kernel://svc@", "names no service"),
        ("kernel://svc:80", "is no service name"),
        ("kernel://sv%20c", "is no service name"),
        ("kernel://sv%2fc", "is no service name"),
        ("kernel://" + "s" * 300, "is no service name"),
        ("kernel://svc/sixteen-letters-", "cannot name an interface"),
        ("kernel://svc/a/b", "cannot name an interface"),
        ("kernel://svc/nsm%2f1", "cannot name an interface"),
        ("kernel://svc?=x", "key of a label"),
        ("kernel://svc?a=%00", "label 'a'"),
        ("kernel://svc?a=%ff", "are no labels"),
        ("kernel://svc?" + "&".join(f"{n}=" for n in range(257)), "are no labels"),
        ("kernel://svc?a=" + "x" * 1025, "label 'a'"),
    ],
)
def test_what_is_no_ns_url_is_refused_with_a_reason(text: str, cause: str) -> None:
    with pytest.raises(Invalid, match=cause) as caught:
        NsUrl.parse(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_any_mechanism_will_do_where_none_is_known() -> None:
    assert NsUrl.parse("vxlan://svc", known=()).mechanism == "VXLAN"


def test_an_ns_url_makes_the_offer_to_ask_with() -> None:
    assert NsUrl.parse("kernel://s/nsm-1").offer == Mechanism("LOCAL", "KERNEL", {"name": "nsm-1"})
    assert NsUrl.parse("kernel://s").offer == Mechanism("LOCAL", "KERNEL")


NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,15}", fullmatch=True)
LABELS = st.dictionaries(
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=9),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=9),
    max_size=4,
)
RESERVED = {".", "..", "all", "default", "lo"}


@given(NAMES, st.one_of(st.just(""), NAMES), NAMES.filter(lambda n: n not in RESERVED), LABELS)
def test_an_ns_url_that_was_written_is_read(
    target: str, domain: str, interface: str, labels: dict[str, str]
) -> None:
    url = NsUrl("KERNEL", join(target, domain), interface, labels)
    assert NsUrl.parse(str(url)) == url


@given(st.text())
def test_any_text_is_an_ns_url_or_invalid(text: str) -> None:
    for candidate in (text, f"kernel://{text}", f"kernel://s/{text}", f"kernel://s?{text}"):
        try:
            assert NsUrl.parse(candidate).mechanism == "KERNEL"
        except Invalid as error:
            assert str(error).isprintable()  # noqa: PT017 -- either outcome is right


@pytest.mark.parametrize("name", ["nsm-1", "a", "fifteen-letters", "eth0.100", "_", "..."])
def test_what_the_kernel_takes_may_name_an_interface(name: str) -> None:
    assert check_interface(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "a/b", "a b", "a\tb", "a:1", "nsm%d", "sixteen-letters-", "ä", "a\x00",
        "\xa0", "all", "default", "lo",
    ],
)  # fmt: skip
def test_what_the_kernel_refuses_or_reads_otherwise_may_not(name: str) -> None:
    with pytest.raises(Invalid, match="cannot name an interface"):
        check_interface(name)


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "a:b", "a\n", "x" * 257, "a%20", "\u202e"])
def test_names_that_would_garble_a_log_or_a_url_are_refused(name: str) -> None:
    with pytest.raises(Invalid, match="is no name"):
        check_name(name)


def test_an_inode_url_is_read_and_written() -> None:
    url = InodeUrl(4, 4026531992)
    assert str(url) == "inode://4/4026531992"
    assert InodeUrl.parse(str(url)) == url
    assert InodeUrl.parse(f"inode://{2**64 - 1}/0") == InodeUrl(2**64 - 1, 0)


@pytest.mark.parametrize(
    "text",
    ["", "inode://", "inode://4", "inode://4/", "inode://-4/5", "inode://4/5/6", "inode://4/5?",
     f"inode://{2**64}/1", "inode://4/\uff15", "file:///4/5", "inode://4/5\n",
     "inode://" + "4" * 99],
)  # fmt: skip
def test_what_is_no_inode_url_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no inode URL"):
        InodeUrl.parse(text)


@pytest.mark.parametrize(
    ("text", "scheme", "path"),
    [
        ("file:///proc/7/fd/9", "file", "/proc/7/fd/9"),
        ("unix:///var/lib/a%20b", "unix", "/var/lib/a b"),
    ],
)
def test_a_file_url_is_read_and_written(text: str, scheme: str, path: str) -> None:
    url = FileUrl.parse(text, scheme)
    assert (url.path, str(url)) == (path, text)
    assert FileUrl.is_said_by(text, scheme)


@pytest.mark.parametrize(
    "text",
    ["", "file://", "file://host/x", "file:/x", "/proc/1", "file:///a/../b", "file:///a/%2e%2e/b",
     "file:///a%00", "file:///a\n", "file:///a?b", "file:///a#b", "file:///" + "a" * 5000],
)  # fmt: skip
def test_what_is_no_file_url_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no file URL"):
        FileUrl.parse(text)
