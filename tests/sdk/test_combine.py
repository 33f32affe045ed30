"""Which of several links a connection takes."""

import pytest

from nsm.api.mechanism import KERNEL, MEMIF, VXLAN, Mechanism
from nsm.errors import Unsupported
from nsm.sdk import Call, Connection, Element, Handler, Request
from nsm.sdk.combine import by_mechanism, switch
from nsm.sdk.testing import Recorder


class Mark(Element):
    """Label what passes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed: list[str] = []

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.closed.clear()
        conn = await next.request(call, request)
        return Connection(conn.id, labels={"way": self.name})

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.closed.append(conn.id)
        await next.close(call, conn)


def using(type: str) -> Connection:
    return Connection("c", mechanism=Mechanism(type=type))


async def test_the_first_case_that_holds_is_taken() -> None:
    end = Recorder()
    way = switch(
        (lambda c: c.payload == "IP", Mark("ip")),
        (lambda c: c.id == "c", Mark("named")),
    ).bind(end)
    assert (await way.request(Call(), Request(Connection("c", payload="IP")))).labels == {
        "way": "ip"
    }
    assert (await way.request(Call(), Request(Connection("c")))).labels == {"way": "named"}
    assert not (await way.request(Call(), Request(Connection("d")))).labels
    assert end.verbs == ["request c", "request c", "request d"]


async def test_a_close_takes_the_way_of_its_request() -> None:
    end, ip = Recorder(), Mark("ip")
    way = switch((lambda c: c.payload == "IP", ip)).bind(end)
    await way.close(Call(), Connection("c", payload="IP"))
    await way.close(Call(), Connection("d"))
    assert ip.closed == ["c"]
    assert end.verbs == ["close c", "close d"]


async def test_the_selected_mechanism_decides() -> None:
    way = by_mechanism({KERNEL: Mark("kernel"), VXLAN: Mark("vxlan")}).bind(Recorder())
    assert (await way.request(Call(), Request(using(VXLAN)))).labels == {"way": "vxlan"}


@pytest.mark.parametrize("conn", [using(MEMIF), using("kernel"), Connection("c")])
async def test_what_no_link_is_for_is_refused_and_the_error_names_what_is(
    conn: Connection,
) -> None:
    way = by_mechanism({KERNEL: Mark("kernel"), VXLAN: Mark("vxlan")}).bind(Recorder())
    with pytest.raises(Unsupported, match="KERNEL, VXLAN"):
        await way.request(Call(), Request(conn))


async def test_a_close_without_a_link_of_its_own_still_reaches_what_follows() -> None:
    end = Recorder()
    await by_mechanism({KERNEL: Mark("kernel")}).bind(end).close(Call(), using(MEMIF))
    assert end.verbs == ["close c"]
