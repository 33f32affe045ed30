"""Say what each element did, by wrapping it when the chain is built.

A failure collects a note from every link it passed, so that the one line logged at the edge ends
with the way it came. The log level changes what is printed and nothing else.
"""

import logging
from dataclasses import dataclass

from nsm.api.connection import Connection, Request
from nsm.sdk.call import Call
from nsm.sdk.handler import Handler, Link

log = logging.getLogger("nsm.chain")


def traced(link: Link[Handler], handler: Handler) -> Handler:
    """Wrap `handler` so that what it is asked, and how it fails, is known by the link's name."""
    return _Traced(type(link).__name__, handler)


@dataclass(frozen=True, slots=True)
class _Traced:
    name: str
    inner: Handler

    async def request(self, call: Call, request: Request) -> Connection:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s.request %s", self.name, request.connection.id)
        try:
            return await self.inner.request(call, request)
        except Exception as error:
            error.add_note(f"in {self.name}.request of {request.connection.id}")
            raise

    async def close(self, call: Call, conn: Connection) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s.close %s", self.name, conn.id)
        try:
            await self.inner.close(call, conn)
        except Exception as error:
            error.add_note(f"in {self.name}.close of {conn.id}")
            raise
