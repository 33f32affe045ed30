from typing import Any

import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.mechanism import KERNEL, LOCAL, NAME, Mechanism
from nsm.components.client.report import ReportConnections, Wire, mtu_of, remote
from nsm.errors import NotFound
from nsm.sdk import Call
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime

ANSWER = Connection(
    "web-0",
    "s",
    Mechanism(LOCAL, KERNEL, {NAME: "no-such"}),
    path=Path(0, (Segment("web"), Segment("nm"), Segment("fwd"), Segment("gw"))),
    endpoint="gw",
)


class Reporting:
    """The element before a recorder, and everything it told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.clock, self.end = LoopClock(), Recorder()
        wires = {"web-0": Wire("web-0", "kernel://s/nsm-1", "s")}
        self.element = ReportConnections(wires, self.told.append, self.clock)
        self.entry = self.element.bind(self.end)

    async def ask(self) -> None:
        await self.entry.request(Call(), Request(ANSWER))

    @property
    def states(self) -> list[str]:
        return [story["state"] for story in self.told]


async def test_connecting_is_told_before_it_is_up_and_how_long_it_took() -> None:
    reporting = Reporting()
    reporting.end.failing = NotFound("nobody serves s", hop="fwd", fix="start one")
    with pytest.raises(NotFound):
        await reporting.ask()
    await reporting.clock.sleep(2)
    reporting.end.failing = None
    await reporting.ask()
    assert reporting.states == ["connecting", "connecting", "up"]
    assert reporting.told[1]["error"] == {
        "code": "NOT_FOUND",
        "cause": "nobody serves s",
        "hop": "fwd",
        "fix": "start one",
    }
    assert reporting.told[2]["connect_ms"] == 2000
    assert reporting.told[2]["error"] is None
    assert reporting.told[2]["path"] == ["web", "nm", "fwd", "gw"]


async def test_a_connection_that_is_lost_and_found_is_counted_as_healed_once() -> None:
    reporting = Reporting()
    await reporting.ask()
    await reporting.entry.close(Call(), ANSWER)
    reporting.end.failing = NotFound("gone")
    with pytest.raises(NotFound):
        await reporting.ask()
    reporting.end.failing = None
    await reporting.ask()
    await reporting.ask()
    assert reporting.states[1:] == ["up", "healing", "healing", "up", "up"]
    assert reporting.told[-1]["heals"] == 1


async def test_a_close_at_the_end_is_no_healing() -> None:
    reporting = Reporting()
    await reporting.ask()
    reporting.element.closing = True
    await reporting.entry.close(Call(), ANSWER)
    assert reporting.states[-1] == "down"


async def test_a_heal_is_told_when_it_is_noticed_and_again_when_packets_are_carried() -> None:
    reporting = Reporting()
    await reporting.ask()
    assert reporting.told[-1]["healed"] is None
    reporting.element.noticed("web-0", "no echo comes back")
    noticed = reporting.told[-1]["healed"]
    assert (noticed["noticed"], noticed["ms"]) == ("no echo comes back", None)
    await reporting.clock.sleep(0.25)
    await reporting.ask()
    again = reporting.told[-1]["healed"]
    assert (again["noticed_at"], again["ms"]) == (noticed["noticed_at"], 250)
    await reporting.clock.sleep(9)
    await reporting.ask()
    assert reporting.told[-1]["healed"] == again, "a refresh is no heal"


async def test_what_is_noticed_of_a_vwire_that_is_not_ours_is_nobodys_heal() -> None:
    reporting = Reporting()
    reporting.element.noticed("another-0", "no echo comes back")
    assert not reporting.told


def through(*metrics: str, endpoint: str = "gw") -> Connection:
    names = ["web", "nm1", "fwd1", "nm2", "fwd2", "gw", "beyond"]
    said = [{"client_interface": m} if m else {} for m in metrics] + [{}] * 7
    segments = tuple(Segment(n, metrics=m) for n, m in zip(names, said, strict=False))
    return Connection("c", mechanism=ANSWER.mechanism, path=Path(0, segments), endpoint=endpoint)


def test_the_mechanism_between_nodes_is_the_first_that_is_not_ours() -> None:
    assert remote(through("", "", "VXLAN/", "", "KERNEL/x")) == "VXLAN"
    assert remote(through("", "", "KERNEL/x")) is None


def test_what_lies_behind_an_endpoint_that_passes_on_is_another_vwire() -> None:
    conn = through("", "", "KERNEL/x", "", "", "", "VXLAN/")
    assert remote(conn) is None


def test_the_mtu_is_the_devices() -> None:
    assert mtu_of("lo") is not None
    assert mtu_of("no-such") is None
