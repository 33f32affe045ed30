"""What a crash has left is said with what removes it; what somebody leads is none of it."""

import pytest

from nsm.dataplane.census import Census
from nsm.dataplane.facts import TABLE, Fact
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.link import Link
from nsm.dataplane.links import OURS
from nsm.world.audit import GRACE
from nsm.world.remains import Host, Remains, left_here

NOW = 1000.0
ALIAS = NodeKey(bytes(32)).alias(Tag.of("one", "client", 0, NOW + 60))
TABLES = frozenset({Fact(1, TABLE, "nsm_7")})


def host(
    *links: Link,
    led: frozenset[str] = frozenset(),
    left: dict[str, str] | None = None,
    remains: list[Remains] | None = None,
    idle: list[str] | None = None,
    facts: frozenset[Fact] = frozenset(),
) -> Host:
    return Host(
        now=NOW,
        census=Census(1, facts, {link.name: link for link in links}),
        led=led,
        left=left or {},
        remains=remains or [],
        idle=idle or [],
    )


def said(host: Host) -> list[tuple[str, str, str, str]]:
    return [(one.kind, one.what, one.whose, one.fix) for one in left_here(host)]


def test_of_a_mesh_all_goes_by_one_command() -> None:
    guest = Census(
        9, frozenset(), {"nsm-1": Link("nsm-1", 4, alias=ALIAS), "eth0": Link("eth0", 2)}
    )
    one = Remains(
        mesh="lab",
        folder="/run/nsm/lab",
        files=3,
        namespaces=["web"],
        processes={7: "nsm node"},
        guests={"pod": guest},
    )
    down = "nsm down lab"
    assert said(host(remains=[one])) == [
        ("process", "7 nsm node", "lab", down),
        ("namespace", "web", "lab", down),
        ("interface", "nsm-1", "lab", down),
        ("folder", "/run/nsm/lab with 3 files", "lab", down),
    ]


def test_where_there_is_no_folder_a_process_is_ended_by_itself() -> None:
    one = Remains(mesh="lab", folder="", processes={7: "nsm node"})
    assert said(host(remains=[one])) == [("process", "7 nsm node", "lab", "kill -9 7")]


def test_an_interface_of_a_mesh_that_is_led_is_let_be_and_one_of_another_is_left_over() -> None:
    link = Link("nsm-1", 4, alias=ALIAS)
    assert said(host(link, led=frozenset({"nsm-1"}))) == []
    fix = "ip link del nsm-1"
    assert said(host(link, left={"nsm-1": "lab"})) == [("interface", "nsm-1", "lab", fix)]


@pytest.mark.parametrize(
    ("link", "until"),
    [
        (Link("nsm-1", 4, alias=ALIAS), NOW + 60 + GRACE),
        (Link("nsm-1", 4, alias="nsm1 client x"), 0.0),
        (Link("nsm-1", 4, group=OURS), 0.0),
    ],
)
def test_an_interface_that_nobody_proves_may_be_wanted_until_it_expires(link, until) -> None:
    found = list(left_here(host(link, Link("eth0", 2, alias="mine"))))
    assert [(one.whose, one.until) for one in found] == [("nobody known", until)]


def test_a_table_joins_interfaces_of_ours_or_is_left_over() -> None:
    fix = "nft delete table netdev nsm_7"
    assert said(host(facts=TABLES)) == [("nft table", "nsm_7", "nobody known", fix)]
    link = Link("nsm-1", 4, alias=ALIAS)
    assert said(host(link, led=frozenset({"nsm-1"}), facts=TABLES)) == []


def test_what_nobody_holds_is_removed_by_hand() -> None:
    assert said(host(idle=["/tmp/nsm-x"])) == [("file", "/tmp/nsm-x", "nobody", "rm -r /tmp/nsm-x")]
