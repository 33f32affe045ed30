"""Sign a registration's way: W §11.3 and §13.6, number by number."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.registration import Endpoint, NetworkService, R
from nsm.elements.registry import UpdateTokenPath
from nsm.errors import Denied, Invalid
from nsm.identity import jwt
from nsm.identity.fake import PlainTokens
from nsm.sdk import Call, Clock, Peer, Registry, RegistryElement, registry_chain
from nsm.sdk.call import TokenPath
from nsm.sdk.registry import NowhereElse
from nsm.sdk.testing.recording_registry import RecordingRegistry

CLOCK = Clock()


def tokens(name: str, lifetime: float = 600.0) -> PlainTokens:
    return PlainTokens(f"spiffe://x/{name}", CLOCK, lifetime)


def peer(name: str) -> Peer:
    return Peer(f"spiffe://x/{name}")


def coming(by: str, to: str, path: TokenPath | None) -> Call:
    """A call as rpc makes it: `by` asks `to`."""
    return Call(peer=peer(by), token=tokens(by).issue(peer(to)), tokens=path)


def said(path: TokenPath) -> list[str]:
    """Who says each token, to whom."""
    claims = [jwt.read(token) for token in path.tokens]
    return [f"{c.sub[11:]}→{c.aud[0][11:] if c.aud else ''}" for c in claims]


class Hop(RegistryElement[R]):
    """Another hop on the way, entered as rpc would: with its own call, and the same path."""

    def __init__(self, by: str, to: str) -> None:
        self.by, self.to = by, to

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        return await next.register(coming(self.by, self.to, call.tokens), record)


def way(*names: str):
    """The registration path of these hops; the first registers."""
    links = []
    for by, to in pairwise(names):
        links += [Hop(by, to), UpdateTokenPath(tokens(to))]
    return registry_chain(*links)


async def test_a_first_hop_writes_the_peer_and_itself_and_restores_the_index() -> None:
    path = TokenPath()
    end = RecordingRegistry[Endpoint]()
    nse = await way("nse", "nm").bind(end).register(Call(tokens=path), Endpoint(name="e"))
    assert said(path) == ["nse→nm", "nm→nse"]
    assert path.index == 0
    assert nse.path_ids == ("spiffe://x/nse", "spiffe://x/nm")


async def test_the_worked_example_of_nse_manager_and_registry() -> None:
    seen: list[tuple[int, list[str]]] = []

    class Look(RegistryElement[R]):
        async def register(self, call: Call, record: R, next: Registry[R]) -> R:
            assert call.tokens
            seen.append((call.tokens.index, said(call.tokens)))
            return await next.register(call, record)

    path = TokenPath()
    chain = registry_chain(
        Hop("nse", "nm"),
        UpdateTokenPath(tokens("nm")),
        Look(),
        Hop("nm", "reg"),
        UpdateTokenPath(tokens("reg")),
        Look(),
    ).bind(NowhereElse())
    nse = await chain.register(Call(tokens=path), Endpoint(name="e"))
    assert seen == [
        (1, ["nse→nm", "nm→nse"]),
        (2, ["nse→nm", "nm→reg", "reg→nm"]),
    ]
    assert (path.index, said(path)) == (0, ["nse→nm", "nm→reg", "reg→nm"])
    assert [id[11:] for id in nse.path_ids] == ["nse", "nm", "reg"]


@pytest.mark.parametrize("kind", [Endpoint, NetworkService])
async def test_proxies_append_in_order_and_a_refresh_overwrites_in_place(kind) -> None:
    hops = ("nse", "nm", "reg", "proxy", "dns-proxy", "reg2")
    registry = way(*hops).bind(NowhereElse())
    path = TokenPath()
    once = await registry.register(Call(tokens=path), kind(name="e"))
    assert [id[11:] for id in once.path_ids] == list(hops)
    assert len(path.tokens) == 6
    again = await registry.register(Call(tokens=path), once)
    assert again == once
    assert (path.index, len(path.tokens)) == (0, 6)
    from_scratch = await registry.register(Call(tokens=TokenPath()), once)  # W §10.30
    assert from_scratch == once


@pytest.mark.parametrize("path", [TokenPath(1, ["a"]), TokenPath(5, ["a"]), TokenPath(1, [])])
async def test_an_index_outside_the_path_is_refused(path: TokenPath) -> None:
    registry = UpdateTokenPath[Endpoint](tokens("nm")).bind(NowhereElse())
    with pytest.raises(Invalid):
        await registry.register(coming("nse", "nm", path), Endpoint(name="e"))


@pytest.mark.parametrize(
    ("path", "ids"),
    [(TokenPath(0, ["a"] * 65), ()), (TokenPath(63, ["a"] * 64), ()), (TokenPath(), ("a",) * 65)],
)
async def test_an_endless_way_is_refused(path: TokenPath, ids: tuple[str, ...]) -> None:
    registry = UpdateTokenPath[Endpoint](tokens("nm")).bind(NowhereElse())
    with pytest.raises(Invalid):
        await registry.register(coming("nse", "nm", path), Endpoint(name="e", path_ids=ids))


@given(st.integers(0, 70), st.integers(0, 70), st.integers(0, 70))
async def test_a_hop_adds_at_most_two_and_always_gives_the_index_back(
    index: int, length: int, ids: int
) -> None:
    path = TokenPath(index, ["t"] * length)
    registry = UpdateTokenPath[Endpoint](tokens("nm")).bind(NowhereElse())
    try:
        nse = await registry.register(
            coming("nse", "nm", path), Endpoint(name="e", path_ids=("i",) * ids)
        )
    except Invalid:
        assert len(path.tokens) == length
    else:
        assert len(path.tokens) == max(length, index + 2)
        assert len(nse.path_ids) <= max(ids, index + 2)
        assert nse.path_ids[-1] or ids
    assert path.index == index


async def test_a_failure_gives_the_index_back_too() -> None:
    end = RecordingRegistry[Endpoint]()
    end.failing = [Denied("no"), Denied("no")]
    registry = UpdateTokenPath[Endpoint](tokens("nm")).bind(end)
    path = TokenPath()
    with pytest.raises(Denied):
        await registry.register(coming("nse", "nm", path), Endpoint(name="e"))
    with pytest.raises(Denied):
        await registry.unregister(coming("nse", "nm", path), Endpoint(name="e"))
    assert path.index == 0
    assert [call.tokens and call.tokens.index for call in end.calls] == [0, 0]


async def test_unregistering_goes_the_same_way() -> None:
    path, end = TokenPath(), RecordingRegistry[Endpoint]()
    registry = UpdateTokenPath[Endpoint](tokens("nm")).bind(end)
    await registry.unregister(coming("nse", "nm", path), Endpoint(name="e"))
    assert said(path) == ["nse→nm", "nm→nse"]
    assert end.heard[0][1].path_ids == ("spiffe://x/nse", "spiffe://x/nm")


async def test_without_a_header_the_path_begins_here() -> None:
    end = RecordingRegistry[Endpoint]()
    registry = UpdateTokenPath[Endpoint](tokens("nm")).bind(end)
    await registry.register(coming("nse", "nm", None), Endpoint(name="e"))
    assert end.calls[0].tokens
    assert said(end.calls[0].tokens) == ["nse→nm", "nm→nse"]


async def test_a_peer_is_who_its_certificate_says_and_only_without_one_who_its_token_says() -> None:
    registry = UpdateTokenPath[Endpoint](tokens("nm")).bind(NowhereElse())
    lie = Call(peer=peer("nse"), token=tokens("king").issue(peer("nm")))
    assert (await registry.register(lie, Endpoint(name="e"))).path_ids[0] == "spiffe://x/nse"
    plain = Call(token=tokens("nse").issue(None))
    assert (await registry.register(plain, Endpoint(name="e"))).path_ids[0] == "spiffe://x/nse"
    for unreadable in (
        Call(),
        Call(token=tokens("nse").issue(None).__class__("x", lie.token.expires)),
    ):
        assert (await registry.register(unreadable, Endpoint(name="e"))).path_ids[0] == ""


@pytest.mark.parametrize("lie", [(), ("spiffe://x/boss",), ("spiffe://x/boss",) * 5])
async def test_path_ids_are_those_of_the_tokens_whatever_the_record_says(lie: tuple[str, ...]):
    registry = way("nse", "nm", "reg").bind(RecordingRegistry[Endpoint]())
    kept = await registry.register(Call(tokens=TokenPath()), Endpoint(name="e", path_ids=lie))
    assert [id[11:] for id in kept.path_ids] == ["nse", "nm", "reg"]


@pytest.mark.parametrize(("theirs", "ours"), [(100.0, 600.0), (600.0, 100.0)])
async def test_what_follows_sees_a_token_good_for_the_shorter_time(
    theirs: float, ours: float
) -> None:
    end = RecordingRegistry[Endpoint]()
    registry = UpdateTokenPath[Endpoint](tokens("nm", ours)).bind(end)
    call = Call(peer=peer("nse"), token=tokens("nse", theirs).issue(peer("nm")))
    await registry.register(call, Endpoint(name="e"))
    seen = end.calls[0].token
    assert seen
    assert seen.text == call.token.text
    assert seen.expires.time - CLOCK.now() == pytest.approx(100, abs=2)


class Shown(PlainTokens):
    """Notes by which certificate it was asked to sign."""

    asked: list[int]

    def issue(self, audience):
        self.asked.append(audience.shown)
        return super().issue(audience)


@pytest.mark.parametrize(("onward", "signed"), [(7, [6, 7, 6]), (6, [6, 6])])
async def test_an_asker_shown_another_certificate_than_the_next_hop_can_check_us(onward, signed):
    signer = Shown("spiffe://x/nm", CLOCK)
    signer.asked = []

    class Next(RecordingRegistry):
        async def register(self, call, record):
            registry = replace(peer("registry"), shown=onward)
            call.tokens.tokens[1:] = [signer.issue(registry).text, "registry's own"]
            call.tokens.answerer = registry
            return await super().register(call, record)

    path = TokenPath()
    call = replace(coming("nse", "nm", path), peer=replace(peer("nse"), shown=6))
    await registry_chain(UpdateTokenPath(signer)).bind(Next()).register(call, Endpoint("nse"))
    assert signer.asked == signed
    assert said(TokenPath(0, path.tokens[:2])) == ["nse→nm", "nm→registry"]
    assert path.tokens[2] == "registry's own"
