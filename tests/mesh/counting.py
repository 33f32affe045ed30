"""What a program of a mesh was asked."""

from nsm.api.connection import Connection, Request
from nsm.sdk import Call, Element, Handler


class Count(Element):
    """How often a program was asked, and which connections came and went."""

    def __init__(self) -> None:
        self.requests = 0
        self.closes = 0
        self.came: set[str] = set()
        self.went: set[str] = set()
        self.failing: Exception | None = None

    @property
    def unique(self) -> tuple[int, int]:
        """Connections that came and went, each counted once."""
        return len(self.came), len(self.went)

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.requests += 1
        self.came.add(request.connection.id)
        if self.failing:
            raise self.failing
        return await next.request(call, request)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.closes += 1
        self.went.add(conn.id)
        await next.close(call, conn)
