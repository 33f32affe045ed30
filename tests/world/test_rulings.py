"""Who is who in a mesh, and by which rules its programs go."""

from pathlib import Path

import pytest

from nsm.admission import Question, judge
from nsm.errors import Invalid, NotFound
from nsm.world.admission import paths
from nsm.world.ground import Home
from nsm.world.rulings import Asker, asker, rules_of

STATUS = {
    "mesh": "lab",
    "domains": [{"name": "a.example", "nodes": ["n-1"]}, {"name": "b.example", "nodes": ["n-2"]}],
    "workloads": [{"name": "web", "domain": "a.example", "node": "n-1"}],
    "endpoints": [{"name": "gw", "domain": "b.example", "node": "n-2"}],
}


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("web", Asker("spiffe://a.example/ns/lab/web", "a.example", "n-1")),
        ("gw", Asker("spiffe://b.example/ns/lab/gw", "b.example", "n-2")),
        ("n-2", Asker("spiffe://b.example/ns/lab/manager-n-2", "b.example", "n-2")),
        ("node@n-2", Asker("spiffe://b.example/ns/lab/manager-n-2", "b.example", "n-2")),
        ("spiffe://b.example/new", Asker("spiffe://b.example/new", "b.example")),
        ("spiffe://else/new", Asker("spiffe://else/new", "a.example")),
    ],
)
def test_whoever_is_meant_has_an_id_a_domain_and_a_place(who: str, found: Asker) -> None:
    assert asker(STATUS, who) == found


def test_who_is_nobody_is_said_to_be() -> None:
    with pytest.raises(NotFound, match="there are web, gw"):
        asker(STATUS, "wob")
    with pytest.raises(Invalid):
        asker(STATUS, "spiffe://A b")


def test_without_rules_the_trust_domain_may_do_all(tmp_path: Path) -> None:
    rules = rules_of(Home("lab", tmp_path), "lab")
    verdicts = [judge(rules, Question(who=who, service="s")) for who in ("spiffe://lab/x", "y")]
    assert [verdict.allowed for verdict in verdicts] == [True, False]


def test_rules_hold_in_the_order_of_their_files(tmp_path: Path) -> None:
    home = Home("lab", tmp_path)
    home.root.mkdir()
    for number, path in enumerate(paths(home, "lab")):
        path.write_text(
            f"default: deny\nrules: [{{name: r{number}, allow: use, service: s{number}}}]"
        )
    rules = rules_of(home, "lab")
    assert [rule.name for rule in rules.rules] == ["r0", "r1", "r2"]
