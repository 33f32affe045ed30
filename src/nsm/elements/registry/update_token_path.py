"""Sign a registration's way: token and SPIFFE id of the peer and of this hop (W §2.2, §5.6)."""

from nsm.api.registration import R
from nsm.errors import Invalid
from nsm.identity.jwt import read
from nsm.nouns import replace
from nsm.sdk import Call, Registry, RegistryElement, Token, Tokens
from nsm.sdk.call import TokenPath

MOST_HOPS = 64
"""More than any honest way through domains and their proxies."""


class UpdateTokenPath(RegistryElement[R]):
    """Write the peer's token and our own into the path, who they are into the record's path ids.

    The path ids are those that the tokens say, whatever the record said. What follows sees a token
    that is good no longer than ours is: `Expire` counts on that.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        path = TokenPath() if call.tokens is None else call.tokens
        back = path.index
        call, record = self._enter(call, path, record)
        try:
            answer = await next.register(call, record)
            self._countersign(call, path, back + 1)
        finally:
            path.index = back
        return answer

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        path = TokenPath() if call.tokens is None else call.tokens
        back = path.index
        call, record = self._enter(call, path, record)
        try:
            await next.unregister(call, record)
        finally:
            path.index = back

    def _enter(self, call: Call, path: TokenPath, record: R) -> tuple[Call, R]:
        _check(path, record.path_ids)
        peer = _peer(call)
        ours = self.tokens.issue(call.peer)
        theirs = call.token or Token("", ours.expires)
        ids = (*map(_subject, path.tokens[: path.index]), peer, self.tokens.id)
        path.tokens[path.index : path.index + 2] = [theirs.text, ours.text]
        path.index += 1
        good = Token(theirs.text, min(theirs.expires, ours.expires))
        return replace(call, tokens=path, token=good), replace(record, path_ids=ids)

    def _countersign(self, call: Call, path: TokenPath, at: int) -> None:
        """Let the asker, too, check our token for the next hop: see `UpdateToken.countersign`."""
        onward = path.answerer
        if call.peer and onward and onward.shown != call.peer.shown and at < len(path.tokens) - 1:
            path.tokens[at] = self.tokens.issue(replace(onward, shown=call.peer.shown)).text


def _check(path: TokenPath, ids: tuple[str, ...]) -> None:
    if max(path.index + 2, len(path.tokens), len(ids)) > MOST_HOPS:
        raise Invalid(f"a registration takes at most {MOST_HOPS} hops")
    if (path.tokens or path.index) and not 0 <= path.index < len(path.tokens):
        raise Invalid(f"path index {path.index} is outside a path of {len(path.tokens)} tokens")


def _peer(call: Call) -> str:
    """Who the certificate says the peer is; without one, who its token says."""
    if call.peer:
        return call.peer.id
    return _subject(call.token.text) if call.token else ""


def _subject(token: str) -> str:
    try:
        return read(token).sub
    except Invalid:  # policies refuse it
        return ""
