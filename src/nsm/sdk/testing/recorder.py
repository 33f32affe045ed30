"""A last handler that writes down what reached it."""

from dataclasses import dataclass, field

from nsm.api.connection import Connection, Request
from nsm.sdk.call import Call


@dataclass(slots=True)
class Recorder:
    """Answers what was asked for, or fails as told; `heard` and `calls` tell the story."""

    heard: list[tuple[str, Connection]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    failing: Exception | None = None

    async def request(self, call: Call, request: Request) -> Connection:
        self.heard.append(("request", request.connection))
        self.requests.append(request)
        self.calls.append(call)
        if self.failing:
            raise self.failing
        return request.connection

    async def close(self, call: Call, conn: Connection) -> None:
        self.heard.append(("close", conn))
        self.calls.append(call)

    @property
    def verbs(self) -> list[str]:
        """What was heard, in order, as "verb id"."""
        return [f"{verb} {conn.id}" for verb, conn in self.heard]
