"""A rule is one rule, and an ACL entry becomes one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.dataplane.fake import netns
from nsm.dataplane.forward import Joint, Port, script
from nsm.dataplane.rules import Rules, acl, written
from nsm.errors import Invalid

MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "accept } chain x {",
        "accept; drop",
        "accept # why",
        "accept\ndrop",
        'include "/etc/shadow"',
        "chain x { accept }",
        "tcp dport { 80",
        "x" * 513,
        "accept \\",
    ],
)
def test_what_is_more_than_a_rule_is_refused(text) -> None:
    with pytest.raises(Invalid):
        written([text])


@pytest.mark.parametrize(
    "text",
    [
        "ct state established accept",
        "ct state established,related accept",
        "ct state { related, established } counter accept",
    ],
)
def test_that_replies_pass_need_not_be_said(text) -> None:
    assert written([text, "tcp dport 80 accept"]).expressions == ("tcp dport 80 accept",)


@pytest.mark.parametrize("text", ["ct state new accept", "ct state established drop"])
def test_a_rule_that_needs_connections_tracked_is_refused_plainly(text) -> None:
    with pytest.raises(Invalid, match="not tracked"):
        written([text])


def test_a_rule_is_kept_as_it_is_written() -> None:
    rules = written(["  tcp dport { 80, 443 } accept "], "drop")
    assert rules == Rules(("tcp dport { 80, 443 } accept",), "drop")
    with pytest.raises(Invalid):
        written([], "reject")
    with pytest.raises(Invalid):
        written(["accept"] * 1025)


@given(st.text(max_size=40))
def test_no_text_closes_the_chain_it_stands_in(text) -> None:
    joint = Joint(netns(), Port("a"), Port("b"))
    try:
        rules = written([text])
    except Invalid:
        return
    said = script(joint, *MAC, rules)
    assert said.count("{") == said.count("}")
    assert said.splitlines().count(rules.expressions[0]) >= 2


@pytest.mark.parametrize(
    ("entry", "expression"),
    [
        ({"ispermit": 1}, "accept"),
        ({"ispermit": 0, "proto": 6}, "meta l4proto 6 drop"),
        (
            {"ispermit": 1, "proto": 6, "dstportoricmpcodefirst": 80, "dstportoricmpcodelast": 90},
            "meta l4proto 6 tcp dport 80-90 accept",
        ),
        (
            {"ispermit": 1, "proto": 17, "srcportoricmptypefirst": 53, "srcportoricmptypelast": 53},
            "meta l4proto 17 udp sport 53 accept",
        ),
        (
            {"ispermit": 1, "proto": 1, "srcportoricmptypelast": 65535},
            "meta l4proto 1 accept",
        ),
        (
            {"ispermit": 1, "srcprefix": "10.0.0.0/8", "dstprefix": "2001:db8::/32"},
            "ip saddr 10.0.0.0/8 ip6 daddr 2001:db8::/32 accept",
        ),
    ],
)
def test_an_acl_entry_becomes_an_expression(entry, expression) -> None:
    assert acl({"name": entry}) == Rules((expression,), "drop")


@pytest.mark.parametrize(
    "entry",
    [
        {"ispermit": "yes"},
        {"proto": True},
        {"proto": -1},
        {"proto": 70000},
        {"colour": 1},
        {"srcprefix": "here"},
        {"proto": 6, "dstportoricmpcodefirst": 90, "dstportoricmpcodelast": 80},
    ],
)
def test_an_acl_entry_that_makes_no_sense_is_refused(entry) -> None:
    with pytest.raises(Invalid):
        acl({"name": entry})


def test_no_acl_lets_everything_through() -> None:
    assert not acl({}).any


def test_without_rules_nothing_is_remembered() -> None:
    said = script(Joint(netns(), Port("a"), Port("b")), *MAC)
    assert "set " not in said.replace("ether daddr set", "")
    assert "filter0" not in said


@pytest.mark.parametrize("name", ['a"b', "a*", "a\\b"])
def test_a_name_that_means_something_to_nft_is_refused(name) -> None:
    with pytest.raises(Invalid):
        script(Joint(netns(), Port(name), Port("b")), *MAC)
