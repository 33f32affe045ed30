"""Take this program's identity from a Workload API, and keep it fresh."""

import asyncio
import logging
from datetime import timedelta

from nsm.errors import Denied, Invalid, NsmError, Unauthenticated, Unreachable
from nsm.identity.bundle import Bundles
from nsm.identity.source import Source
from nsm.identity.svid import Svid
from nsm.rpc.plain import plain_stream
from nsm.rpc.target import target_of
from nsm.sdk.backoff import Backoff
from nsm.sdk.clock import Clock
from nsm.sdk.tasks import Tasks
from nsm.wire import decode, encode
from nsm.wire.methods import FETCH_X509_SVID
from nsm.wire.workload import X509SvidRequest, X509SvidResponse
from nsm.workload import HEADER

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds until a program gives up waiting for its first SVID."""
CONNECT = 5.0


async def follow(
    url: str,
    tasks: Tasks,
    *,
    lifetime: timedelta = timedelta(minutes=10),
    clock: Clock | None = None,
    patience: float = PATIENCE,
) -> Source:
    """A source that `tasks` keep up to date from the Workload API at `url`, once it has an SVID.

    Tokens of it last `lifetime`. Raises Unauthenticated after `patience` seconds, and Invalid at
    once for an SVID or URL that is of no use.
    """
    target_of(url)  # one that leads nowhere is not worth waiting for
    clock = clock or Clock()
    follower = Follower(url, Source(clock, lifetime.total_seconds()), clock)
    following = tasks.start(f"following {url}", follower.run())
    try:
        await follower.first(patience)
    except BaseException:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        raise
    return follower.source


class Follower:
    """Listens to one Workload API for as long as the program lives."""

    def __init__(self, url: str, source: Source, clock: Clock) -> None:
        self.url = url
        self.source = source
        self._clock = clock
        self._backoff = Backoff(0.05, 5.0)
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._said = ""

    async def first(self, patience: float) -> None:
        """Wait until there is an identity."""
        try:
            async with asyncio.timeout(patience):
                await asyncio.shield(self._started)
        except TimeoutError:
            raise Unauthenticated(
                f"no identity from {self.url} within {patience:g} s: {self._said or 'no answer'}",
                fix="see that SPIFFE_ENDPOINT_SOCKET names the socket of a SPIRE agent or of"
                " `nsm identity`, and that this program has an entry there",
            ) from None

    async def run(self) -> None:
        """Take what comes, and come back whenever the stream ends."""
        while True:
            try:
                await self._listen()
            except NsmError as error:
                self._say(error)
            await self._clock.sleep(self._backoff.pause())

    async def _listen(self) -> None:
        question = encode(X509SvidRequest())
        answers = plain_stream(
            self.url, FETCH_X509_SVID.path, question, [(HEADER, "true")], CONNECT
        )
        async for answer in answers:
            self._take(answer)
        raise Unreachable(f"{self.url} ended the stream")

    def _take(self, answer: bytes) -> None:
        try:
            svid, bundles = _read(answer)
        except Invalid as error:
            if self._started.done():
                raise
            self._started.set_exception(error)
            raise
        self.source.update(svid, bundles)
        self._backoff.reset()
        self._said = ""
        if not self._started.done():
            self._started.set_result(None)
            log.info("this program is %s", svid.id)

    def _say(self, error: NsmError) -> None:
        hint = ": this program has no entry there yet" if isinstance(error, Denied) else ""
        said = f"{error}{hint}"
        log.log(logging.DEBUG if said == self._said else logging.WARNING, "%s: %s", self.url, said)
        self._said = said


def _read(answer: bytes) -> tuple[Svid, Bundles]:
    """The first SVID counts (W §5.1)."""
    response = decode(X509SvidResponse, answer)
    if not response.svids:
        raise Invalid("the Workload API sent no SVID")
    first = response.svids[0]
    svid = Svid.parse(first.x509_svid, first.x509_svid_key, id=first.spiffe_id, hint=first.hint)
    return svid, Bundles.parse(svid.id, first.bundle, response.federated_bundles)
