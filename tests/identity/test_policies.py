"""The policies of W §5.4, case by case."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Denied, Invalid
from nsm.identity import jwt, policies
from nsm.identity.authority import Authority
from nsm.identity.evidence import Evidence, Resource
from nsm.identity.fake import FakeSource
from nsm.identity.policies import POLICIES, Policies
from nsm.sdk import Clock, Peer

AUTHORITY = Authority("test", Clock())
WEB, MANAGER, FORWARDER, OTHER = (
    FakeSource.of(f"spiffe://test/ns/x/{name}", AUTHORITY)
    for name in ("web", "manager", "forwarder", "other")
)
NOW = Clock().now()
HONEST = tuple(
    each.issue(heard).text
    for each, heard in (
        (WEB, MANAGER.peer()),
        (MANAGER, FORWARDER.peer()),
        (FORWARDER, MANAGER.peer()),
    )
)
"""What a forwarder sees: two tokens of those before it, and its own for the one that called."""
SEEN = Evidence(HONEST, 2, MANAGER.peer(), NOW)


def test_an_honest_path_passes_everything_a_server_checks() -> None:
    Policies.select(policies.SERVER).check(SEEN, "forwarder")


def test_an_honest_answer_passes_everything_a_client_checks() -> None:
    Policies.select(policies.CLIENT).check(
        replace(SEEN, index=1, peer=FORWARDER.peer()), "forwarder"
    )


def test_a_refusal_names_policy_reason_and_hop_and_shows_no_token() -> None:
    with pytest.raises(Denied) as refused:
        Policies.select(policies.SERVER).check(replace(SEEN, now=NOW + 1e6), "forwarder-1")
    assert refused.value.hop == "forwarder-1"
    assert "common/tokens_expired: the token of hop 0 expired" in refused.value.cause
    assert not any(token in str(refused.value) for token in HONEST)


@pytest.mark.parametrize("tokens", [("",), (HONEST[0], "garbage"), (*HONEST, "a.b.c")])
def test_a_token_that_cannot_be_read_is_invalid(tokens: tuple[str, ...]) -> None:
    assert policies.tokens_valid(replace(SEEN, tokens=tokens))


def test_no_tokens_are_valid_and_unexpired_and_chained_but_nobodys() -> None:
    nothing = Evidence((), 0, MANAGER.peer(), NOW)
    assert policies.tokens_valid(nothing) is None
    assert policies.tokens_expired(nothing) is None
    assert policies.tokens_chained(nothing) is None
    assert policies.prev_token_signed(nothing)
    assert policies.next_token_signed(nothing)


@pytest.mark.parametrize(("ago", "expired"), [(600, True), (0, True), (-1, False), (None, True)])
def test_a_token_is_good_until_its_expiry_and_must_have_one(ago, expired: bool) -> None:
    exp = None if ago is None else int(NOW) - ago
    token = jwt.sign(jwt.Claims(WEB.id, (), exp), WEB.svid.key)
    seen = replace(SEEN, tokens=(token,), now=float(int(NOW)))
    assert bool(policies.tokens_expired(seen)) is expired


@pytest.mark.parametrize(
    ("aud", "chained"),
    [
        ((MANAGER.id,), True),
        ((MANAGER.id, MANAGER.id), True),
        ((), False),
        ((OTHER.id,), False),
        ((MANAGER.id, OTHER.id), False),
        ((OTHER.id, MANAGER.id), False),
    ],
)
def test_a_token_is_for_the_next_hop_and_nobody_else(aud, chained: bool) -> None:
    token = jwt.sign(jwt.Claims(WEB.id, aud, NOW + 60), WEB.svid.key)
    seen = replace(SEEN, tokens=(token, *HONEST[1:]))
    assert (policies.tokens_chained(seen) is None) is chained


@pytest.mark.parametrize("order", [(0, 2), (1, 0), (2, 0), (0, 0), (1, 1), (0, 2, 1), (2, 0, 1)])
def test_hops_dropped_doubled_or_in_another_order_break_the_chain(order: tuple[int, ...]) -> None:
    tokens = tuple(HONEST[at] for at in order)
    assert policies.tokens_chained(replace(SEEN, tokens=tokens))
    assert policies.tokens_chained(SEEN) is None


@pytest.mark.parametrize(
    ("at", "policy"), [(1, policies.prev_token_signed), (3, policies.next_token_signed)]
)
def test_the_neighbours_token_was_signed_by_the_neighbour(at: int, policy) -> None:
    manager = MANAGER.peer()

    def judged(token: str, peer: Peer = manager) -> str | None:
        tokens = (*HONEST, HONEST[0])
        return policy(replace(SEEN, tokens=(*tokens[:at], token, *tokens[at + 1 :]), peer=peer))

    honest = MANAGER.issue(FORWARDER.peer()).text
    assert judged(honest) is None
    assert "not signed by" in str(judged(OTHER.issue(FORWARDER.peer()).text))
    assert "not signed by" in str(judged(honest, replace(manager, leaf=b"")))
    assert "not signed by" in str(judged(jwt.unsigned(jwt.read(honest))))
    liar = jwt.sign(jwt.Claims(WEB.id, (FORWARDER.id,), NOW + 60), MANAGER.svid.key)
    assert f"names '{WEB.id}'" in str(judged(liar))
    late = jwt.Claims(MANAGER.id, (FORWARDER.id,), MANAGER.svid.not_after + 60)
    assert "outlives" in str(judged(jwt.sign(late, MANAGER.svid.key)))


@pytest.mark.parametrize("index", [-1, 0, 5, 1 << 31])
def test_an_index_off_the_path_proves_nothing(index: int) -> None:
    assert policies.prev_token_signed(replace(SEEN, index=index))


@pytest.mark.parametrize("index", [2, 5, 1 << 31])
def test_an_answer_without_the_answerers_token_proves_nothing(index: int) -> None:
    assert policies.next_token_signed(replace(SEEN, index=index))


@pytest.mark.parametrize(("owner", "allowed"), [("", True), (WEB.id, True), (OTHER.id, False)])
def test_a_name_stays_with_its_first_registrant(owner: str, allowed: bool) -> None:
    seen = replace(SEEN, resource=Resource("gateway", WEB.id, owner))
    assert (policies.client_allowed(seen) is None) is allowed
    assert policies.client_allowed(SEEN) is None


@pytest.mark.parametrize(
    ("masks", "names"),
    [
        (policies.SERVER, "tokens_valid tokens_expired tokens_chained prev_token_signed"),
        (policies.CLIENT, "tokens_valid tokens_expired tokens_chained next_token_signed"),
        (
            policies.REGISTRY_SERVER,
            "tokens_valid tokens_expired tokens_chained prev_token_signed client_allowed",
        ),
        (
            policies.REGISTRY_CLIENT,
            "tokens_valid tokens_expired tokens_chained next_token_signed client_allowed",
        ),
        (["etc/nsm/opa/common/tokens_valid.rego"], "tokens_valid"),
        (["/etc/nsm/opa/common/tokens_.*"], "tokens_valid tokens_expired tokens_chained"),
        (["policies/registry/client_allowed.rego"], "client_allowed"),
        ([], ""),
    ],
)
def test_masks_choose_by_upstreams_file_names(masks, names: str) -> None:
    assert [p.__name__ for _, p in Policies.select(masks).chosen] == names.split()


@pytest.mark.parametrize(
    "mask", ["", "nothing", "etc/nsm/opa/common/tokens_valid", "[", "my/own.rego", "common/.*"]
)
def test_a_mask_that_chooses_nothing_is_an_error_and_not_an_open_door(mask: str) -> None:
    with pytest.raises(Invalid, match="mask"):
        Policies.select([*policies.SERVER, mask])


@pytest.mark.parametrize("name", POLICIES)
@given(tokens=st.lists(st.text() | st.sampled_from(HONEST), max_size=4), index=st.integers())
def test_whatever_the_evidence_a_policy_passes_or_denies(name, tokens, index: int) -> None:
    chosen = Policies.select([f"etc/nsm/opa/{name}.rego"])
    with suppress(Denied):
        chosen.check(Evidence(tuple(tokens), index, MANAGER.peer(), NOW), "here")
