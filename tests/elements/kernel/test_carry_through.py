from collections.abc import Sequence

import pytest

from nsm.api.connection import Connection, Request
from nsm.api.context import IpContext
from nsm.api.mechanism import KERNEL, LOCAL, NAME, Mechanism
from nsm.dataplane.forward import Joint
from nsm.dataplane.netns import Netns
from nsm.dataplane.rules import Rules
from nsm.elements.kernel import CarryThrough
from nsm.errors import Invalid
from nsm.sdk import Slot
from nsm.sdk.testing import Lifetime, Recorder

RULES = Rules(("icmp type echo-request accept",), "drop")


class Carrying:
    """A carrier that only writes down what it is told."""

    def __init__(self, failing: Exception | None = None) -> None:
        self.told: list[str] = []
        self.failing = failing

    async def keep(self, joint: Joint, rules: Rules) -> None:
        if self.failing:
            raise self.failing
        assert rules is RULES
        self.told.append(f"keep {describe(joint)}")

    async def drop(self, joint: Joint) -> None:
        self.told.append(f"drop {describe(joint)}")


def describe(joint: Joint) -> str:
    def port(name: str, opposite: Sequence[object]) -> str:
        return f"{name}({','.join(map(str, opposite))})"

    a, b = joint.a, joint.b
    return f"{port(a.name, a.opposite)}-{port(b.name, b.opposite)}"


def kernel(name: str) -> Mechanism:
    return Mechanism(LOCAL, KERNEL, {NAME: name})


def conn(name: str = "near") -> Connection:
    ip = IpContext(src_ip_addrs=("10.0.0.1/32", "fd00::1/128"), dst_ip_addrs=("10.0.0.0/32",))
    return Connection("c", mechanism=kernel(name)).with_ip(ip)


class Through:
    """The element, its carrier, a life, and what comes after it."""

    def __init__(self, failing: Exception | None = None) -> None:
        self.carrier, self.end, self.life = Carrying(failing), Recorder(), Lifetime()
        onward = Slot[Mechanism]()
        onward.put(self.life.call, kernel("far"))
        element = CarryThrough(self.carrier, Netns.current(), onward, RULES)  # type: ignore[arg-type]
        self.entry = element.bind(self.end)

    async def ask(self, conn: Connection) -> None:
        await self.entry.request(self.life.call, Request(conn))


async def test_both_vwires_are_joined_once_and_parted_at_the_end() -> None:
    through = Through()
    await through.ask(conn())
    await through.ask(conn())
    await through.entry.close(through.life.call, conn())
    there = "near(10.0.0.1,fd00::1)-far(10.0.0.0)"
    assert through.carrier.told == [f"keep {there}", f"drop {there}"]


async def test_a_client_with_a_new_interface_is_joined_anew() -> None:
    through = Through()
    await through.ask(conn())
    await through.ask(conn("other"))
    assert [line.split("(")[0] for line in through.carrier.told] == [
        "keep near",
        "drop near",
        "keep other",
    ]


async def test_what_cannot_be_joined_is_closed_further_on() -> None:
    through = Through(failing=Invalid("bad rules"))
    with pytest.raises(Invalid):
        await through.ask(conn())
    assert through.end.verbs == ["request c", "close c"]
