"""Policies in Rego files: ours, written again in Rego, judge alike; and files of one's own."""

import asyncio
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nsm.api.connection import Path as Hops
from nsm.api.connection import Segment
from nsm.api.timestamp import Timestamp
from nsm.errors import Denied, Invalid
from nsm.identity import evidence, jwt, policies, rego
from nsm.identity.authority import Authority
from nsm.identity.evidence import Evidence, Resource, Watched
from nsm.identity.fake import FakeSource
from nsm.identity.policies import POLICIES, Policies
from nsm.identity.rego import RegoFile, document
from nsm.sdk import Clock, Peer

AUTHORITY = Authority("test", Clock())
WHO = [FakeSource.of(f"spiffe://test/ns/x/{name}", AUTHORITY) for name in ("a", "b", "c")]
IDS = [who.id for who in WHO]
NOW = Clock().now()
TEXTS = Path(__file__).parent / "rego"
FILES = {name: RegoFile(TEXTS / f"{name.rpartition('/')[2]}.rego") for name in POLICIES}

signers = st.sampled_from(WHO)
audiences = st.lists(st.sampled_from(IDS), max_size=2, unique=True).map(tuple)
lives = st.sampled_from([NOW + 600, NOW + 600, NOW - 600, None])
claims = st.builds(jwt.Claims, st.sampled_from(IDS), audiences, lives)
honest = st.tuples(signers, signers).map(lambda pair: pair[0].issue(pair[1].peer()).text)
forged = st.builds(lambda said, by: jwt.sign(said, by.svid.key), claims, signers)
spoilt = st.builds(lambda token, at: token[:at] + "!" + token[at:], honest, st.integers(0, 300))
tokens = honest | forged | claims.map(jwt.unsigned) | spoilt | st.sampled_from(["", "a.b.c", ".."])
chains = st.lists(signers, min_size=2, max_size=6).map(
    lambda hops: [by.issue(to.peer()).text for by, to in pairwise(hops)]
)
peers = st.sampled_from(
    [*(who.peer() for who in WHO), Peer(IDS[0]), replace(WHO[1].peer(), id="x")]
)
ids = st.sampled_from([*IDS, ""])
resources = st.builds(Resource, st.sampled_from(["gw", "db"]), ids, ids)
few = st.frozensets(st.sampled_from(["1", "2", "3"]), max_size=2)
seen = st.builds(
    Evidence,
    (chains | st.lists(tokens, max_size=6)).map(tuple),
    st.integers(0, 6),
    peers,
    st.just(NOW),
    st.none() | resources,
    st.none() | st.builds(Watched, few, few),
)


def ours(name: str, evidence: Evidence) -> bool:
    try:
        return POLICIES[name](evidence) is None
    except Invalid:  # as `Policies` has it
        return False


def theirs(name: str, evidence: Evidence) -> bool:
    try:
        return FILES[name].allows(document(evidence))
    except Exception:  # the engine fails on what is no token; `judge` takes that for a no
        return False


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(evidence=seen)
def test_our_policies_and_the_same_in_rego_agree(name: str, evidence: Evidence) -> None:
    assert theirs(name, evidence) is ours(name, evidence)


@pytest.mark.parametrize("name", POLICIES)
def test_each_of_them_says_yes_and_no(name: str) -> None:
    """Or agreeing would mean nothing."""
    one, two = WHO[0].peer(), WHO[1].peer()
    honest = (WHO[0].issue(two).text, WHO[1].issue(one).text)
    watched = Watched(frozenset("1"), frozenset("1"))
    good = Evidence(honest, 1, one, NOW, Resource("gw", IDS[0], IDS[0]), watched)
    good = replace(good, index=0, peer=two) if name.startswith("client/") else good
    bad = Evidence(("x.y.z", *honest), 9, two, NOW, Resource("gw", IDS[1], IDS[0]), None)
    assert (theirs(name, good), ours(name, good)) == (True, True)
    assert (theirs(name, bad), ours(name, bad)) == (False, False)


def test_a_document_has_every_key_whatever_is_judged() -> None:
    bare = document(Evidence((), 0, Peer("x"), NOW))
    segment = Segment("n", "i", "t", Timestamp(5, 6), {"a": "b"})
    full = document(evidence.of_asker(Hops(0, (segment,)), WHO[0].peer(), NOW))
    assert bare.keys() == full.keys()
    assert full["path_segments"] == [
        {
            "name": "n",
            "id": "i",
            "token": "t",
            "expires": {"seconds": 5, "nanos": 6},
            "metrics": {"a": "b"},
        }
    ]
    assert str(full["auth_info"]).count("BEGIN CERTIFICATE") == 1
    assert bare["auth_info"] == {"certificate": ""}


def written(path: Path, text: str) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


ALLOWS = "package nsm\nvalid { input.path_segments[0].name == `good` }\n"


def of(name: str) -> Evidence:
    return evidence.of_asker(Hops(0, (Segment(name),)), WHO[0].peer(), NOW)


async def test_a_file_of_ones_own_is_judged_by_after_ours(tmp_path: Path) -> None:
    own = written(tmp_path / "own.rego", ALLOWS)
    chosen = Policies.select([own])
    assert chosen.chosen == ()
    await chosen.judge(of("good"), "hop")
    with pytest.raises(Denied, match=rf"hop: refused by policy {own}: not valid"):
        await chosen.judge(of("bad"), "hop")
    both = Policies.select([policies.COMMON, own])
    with pytest.raises(Denied, match="common/tokens_valid"):
        await both.judge(of("good"), "hop")


async def test_a_mask_names_all_files_of_a_folder_that_match_it(tmp_path: Path) -> None:
    for name in ("a.rego", "b.rego", "other.rego", "a.txt"):
        written(tmp_path / "own" / name, ALLOWS)
    assert [file.path.name for file in Policies.select([f"{tmp_path}/own/[ab].rego"]).files] == [
        "a.rego",
        "b.rego",
    ]
    assert len(Policies.select([f"{tmp_path}/own/.*.rego", f"{tmp_path}/own/a.rego"]).files) == 3
    with pytest.raises(Invalid, match="chooses nothing"):
        Policies.select([f"{tmp_path}/own/z.*.rego"])


@pytest.mark.parametrize(
    "text",
    [
        'package nsm\nvalid = "true"\n',
        "package nsm\nvalid = 1\n",
        "package nsm\nallow = true\n",
        "package nsm\ndefault valid = false\n",
        "package nsm\nvalid { input.no_such_key == 1 }\n",
        "package nsm\nvalid { http.send({}) }\n",
        "package other\nvalid { data.nsm.valid }\n",
    ],
)
async def test_nothing_but_true_lets_anyone_pass(tmp_path: Path, text: str) -> None:
    with pytest.raises(Denied):
        await Policies.select([written(tmp_path / "x.rego", text)]).judge(of("good"), "hop")


@pytest.mark.parametrize("name", ["good\0bad", "\ud800", '"good"', '"'])
async def test_a_name_that_the_engine_would_read_differently_is_refused(tmp_path, name) -> None:
    with pytest.raises(Denied):
        await Policies.select([written(tmp_path / "x.rego", ALLOWS)]).judge(of(name), "hop")


@pytest.mark.parametrize("name", ['"good', "\\", "\\u0041", "é", "\n", "}]", "{{", "\u202e"])
async def test_any_other_name_reaches_the_policy_as_it_is(tmp_path: Path, name: str) -> None:
    same = "package nsm\nvalid { input.path_segments[0].name == input.path_segments[1].id }\n"
    file = RegoFile(Path(written(tmp_path / "x.rego", same)))
    for other in (name, name + "x", "A"):
        hops = Hops(1, (Segment(name), Segment("", other)))
        said = document(evidence.of_asker(hops, WHO[0].peer(), NOW))
        assert file.allows(said) is (other == name)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("package nsm\nvalid {\n", "is no Rego"),
        ("valid = true\n", "names no package"),
        ("#" * (rego.LARGEST + 1), "more than"),
    ],
)
def test_a_file_that_is_no_policy_is_said_at_the_start(tmp_path: Path, text, complaint) -> None:
    with pytest.raises(Invalid, match=complaint):
        Policies.select([written(tmp_path / "x.rego", text)])


def test_without_the_extra_what_to_install_is_said(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "regopy", None)
    with pytest.raises(Invalid) as refused:
        Policies.select([written(tmp_path / "x.rego", ALLOWS)])
    assert refused.value.fix == "pip install 'network-service-mesh[rego]'"
    assert Policies.select(policies.SERVER).files == ()  # which nobody needs it for


async def test_a_policy_that_takes_too_long_refuses_and_holds_nobody_up(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(rego, "PATIENCE", 0.05)
    chosen = Policies.select([written(tmp_path / "x.rego", ALLOWS)])
    released = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(_) -> bool:
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(10)
        return True

    monkeypatch.setattr(chosen.files[0], "allows", slow)
    with pytest.raises(Denied, match=r"took more than 0\.05 s"):
        await chosen.judge(of("good"), "hop")
    released.set()


async def test_many_are_judged_at_once(tmp_path: Path) -> None:
    chosen = Policies.select([written(tmp_path / "x.rego", ALLOWS)])
    names = ["good", "bad"] * 20
    told = await asyncio.gather(
        *(chosen.judge(of(name), "hop") for name in names), return_exceptions=True
    )
    assert [answer is None for answer in told] == [name == "good" for name in names]
