"""What a policy judges: the tokens of a path, where on it we stand, and whom we are talking to."""

from dataclasses import dataclass, field

from nsm.api.connection import Path, Segment
from nsm.errors import Invalid
from nsm.identity import jwt
from nsm.sdk.call import Call, Peer, TokenPath


@dataclass(frozen=True, slots=True)
class Resource:
    """A record being registered: its name, who registers it, and whose it is (empty: nobody's)."""

    name: str
    by: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """Connections somebody wants to watch (`wanted`), and those it is known to be on (`known`)."""

    wanted: frozenset[str]
    known: frozenset[str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Tokens in the order of the hops; `index` is our own hop's, `now` seconds since the epoch.

    `segments` are the hops that bore the tokens, where it is a connection's path.
    """

    tokens: tuple[str, ...] = field(repr=False)
    index: int
    peer: Peer
    now: float
    resource: Resource | None = None
    watched: Watched | None = None
    segments: tuple[Segment, ...] = field(default=(), repr=False)


def of_asker(path: Path, peer: Peer, now: float) -> Evidence:
    """A request or close that came in: judged by the hops up to and with our own."""
    upto = path.segments[: path.index + 1]
    return _of_path(upto, path.index, peer, now)


def of_answerer(path: Path, peer: Peer, now: float) -> Evidence:
    """An answer that came back: judged by all of its hops."""
    return _of_path(path.segments, path.index, peer, now)


def of_registrant(tokens: TokenPath | None, peer: Peer, now: float, resource: Resource) -> Evidence:
    """A registration that came in; without a token path there is nothing in its favour."""
    path = tokens or TokenPath()
    return Evidence(tuple(path.tokens[: path.index + 1]), path.index, peer, now, resource)


def of_registrar(tokens: TokenPath | None, peer: Peer, now: float, resource: Resource) -> Evidence:
    """What a registry answered."""
    path = tokens or TokenPath()
    return Evidence(tuple(path.tokens), path.index, peer, now, resource)


def _of_path(segments: tuple[Segment, ...], index: int, peer: Peer, now: float) -> Evidence:
    tokens = tuple(segment.token for segment in segments)
    return Evidence(tokens, index, peer, now, segments=segments)


def answerer(call: Call) -> Peer | None:
    """Who answered a call that has come back; None where nobody beyond this process did."""
    channel = call.channel or (call.life.channel if call.begun else None)
    return channel.peer if channel else None


def registrant(tokens: TokenPath | None) -> str:
    """Who began a registration, as its first token says; empty where none can be read."""
    return subject(tokens.tokens[0]) if tokens and tokens.tokens else ""


def registrants(tokens: TokenPath | None) -> list[str]:
    """Whose hands a registration went through before ours, as their tokens say."""
    path = tokens or TokenPath()
    return [subject(token) for token in path.tokens[: path.index]]


def comes_itself(tokens: TokenPath | None) -> bool:
    """Whether who began a registration is the one who asks us."""
    return tokens is not None and tokens.index == 1


def subject(token: str) -> str:
    """Whom a token names; empty where it cannot be read."""
    try:
        return jwt.read(token).sub
    except Invalid:
        return ""
