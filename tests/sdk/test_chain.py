from dataclasses import replace

import pytest

from nsm.api.connection import Connection, Request
from nsm.errors import Unreachable
from nsm.sdk import END, Call, Element, Handler, chain
from nsm.sdk.testing import Recorder

ASKED = Request(Connection("c"))


class Sign(Element):
    """Writes its letter on the way down, on the way back, and on close."""

    def __init__(self, letter: str, said: list[str]) -> None:
        self.letter = letter
        self.said = said

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.said.append(f"down {self.letter}")
        conn = await next.request(call, request)
        self.said.append(f"back {self.letter}")
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.said.append(f"close {self.letter}")
        await next.close(call, conn)


async def test_the_first_link_sees_a_request_first_and_its_answer_last() -> None:
    said: list[str] = []
    entry = chain(Sign("a", said), chain(Sign("b", said), Sign("c", said))).bind(END)
    await entry.request(Call(), ASKED)
    await entry.close(Call(), ASKED.connection)
    assert said[:6] == ["down a", "down b", "down c", "back c", "back b", "back a"]
    assert said[6:] == ["close a", "close b", "close c"]


async def test_an_element_that_does_nothing_passes_everything_through() -> None:
    end = Recorder()
    entry = chain(Element(), chain()).bind(end)
    assert await entry.request(Call(), ASKED) is ASKED.connection
    await entry.close(Call(), ASKED.connection)
    assert end.verbs == ["request c", "close c"]


async def test_at_the_end_the_answer_is_what_was_asked_for() -> None:
    assert await chain().bind(END).request(Call(), ASKED) is ASKED.connection


async def test_one_element_may_stand_in_two_chains() -> None:
    first, second, element = Recorder(), Recorder(), Element()
    await chain(element).bind(first).request(Call(), ASKED)
    await chain(element).bind(second).request(Call(to="x"), ASKED)
    assert (first.calls, second.calls) == ([Call()], [Call(to="x")])


async def test_each_link_is_wrapped_once_and_inner_chains_keep_their_own_way() -> None:
    wrapped: list[str] = []

    def around(link: object, handler: Handler) -> Handler:
        wrapped.append(type(link).__name__)
        return handler

    chain(Element(), Sign("a", []), around=around).bind(END)
    assert wrapped == ["Sign", "Element"]


async def test_a_failure_carries_the_way_it_came() -> None:
    class Rename(Element):
        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            return await next.request(call, request.carrying(replace(request.connection, id="d")))

    end = Recorder(failing=Unreachable("no answer"))
    entry = chain(Element(), chain(Rename(), Element())).bind(end)
    with pytest.raises(Unreachable) as caught:
        await entry.request(Call(), ASKED)
    assert caught.value.__notes__ == [
        "in Element.request of d",
        "in Rename.request of c",
        "in Chain.request of c",
        "in Element.request of c",
    ]
