"""A client that asks for as many vWires as it is told, in one process: `python -m bench.asking`.

It is the client program's own chain, less the pings: what they look for counts as there, so that a
client whose manager died asks for what it had. One JSON line in, one out: {"do": "connect",
"from": 0, "count": 100, "at_once": false}, {"do": "close", …}; answers hold seconds for each. To
connect what is connected refreshes it. {"do": "answered", …} says when each was answered last, on
the monotonic clock.
"""

import asyncio
import json
import os
import sys
from time import monotonic, perf_counter

from bench.ground import SERVICE
from nsm.api.names import NsUrl
from nsm.components.client.config import Config
from nsm.components.client.program import Wanted, goodbye
from nsm.components.client.recipe import Parts, requester
from nsm.components.client.report import ReportConnections, Wire
from nsm.elements.context import RememberPrefixes
from nsm.elements.lifecycle import Liveness
from nsm.errors import NsmError
from nsm.program import Program, main
from nsm.sdk import END, Call, Connection, Handler


class Asker:
    """Holds vWires by number."""

    def __init__(self, config: Config, program: Program) -> None:
        self.name = config.name
        self.wires: dict[str, Wire] = {}
        self.at: dict[str, float] = {}
        needs = program.needs(config.dial_timeout)
        parts = Parts(
            report=ReportConnections(self.wires, self.told_of, program.clock),
            place={},
            groups=RememberPrefixes([]),
            liveness=Liveness(carries, every=3600.0),
            authorize=program.next_hop(),
        )
        self.asking: Handler = requester(config, needs, parts).bind(END)

    def wanted(self, number: int) -> Wanted:
        """The vWire of that number, and its interface."""
        text = f"kernel://{SERVICE}/nsm-{number}"
        wire = Wire(f"{self.name}-{number}", text, SERVICE)
        return Wanted(self.wires.setdefault(wire.id, wire), NsUrl.parse(text))

    async def connect(self, number: int) -> float | None:
        """Seconds it took; None when it failed."""
        begun = perf_counter()
        try:
            await self.asking.request(Call(), self.wanted(number).request(None))
        except (NsmError, TimeoutError) as error:
            sys.stderr.write(f"{number}: {error}\n")
            return None
        return perf_counter() - begun

    async def close(self, number: int) -> float:
        """Seconds it took the caller."""
        begun = perf_counter()
        wanted = self.wanted(number)
        await self.asking.close(Call(), goodbye(wanted))
        took = perf_counter() - begun
        del self.wires[wanted.wire.id]
        return took

    def told_of(self, story: dict[str, object]) -> None:
        """Note when a vWire was last answered; that its next hop is gone is told, too."""
        healed = story["healed"]
        if story["state"] == "up" and not (healed and healed["ms"] is None):
            self.at[str(story["id"])] = monotonic()

    async def answered(self, number: int) -> float | None:
        """When it was, last."""
        return self.at.get(f"{self.name}-{number}")

    async def told(self, what: dict[str, object]) -> dict[str, object]:
        """Do what a line says."""
        does = {"connect": self.connect, "close": self.close, "answered": self.answered}
        work = does[what["do"]]
        numbers = range(what.get("from", 0), what.get("from", 0) + what["count"])
        begun = perf_counter()
        if what.get("at_once"):
            seconds = list(await asyncio.gather(*map(work, numbers)))
        else:
            seconds = [await work(number) for number in numbers]
        return {
            "seconds": seconds,
            "all": perf_counter() - begun,
            "towards": [self.towards(number) for number in numbers],
        }

    def towards(self, number: int) -> str:
        """The address at the other end; empty when there is none."""
        wire = self.wires.get(f"{self.name}-{number}")
        found = wire.conn.ip.dst_ip_addrs if wire else ()
        return found[0].partition("/")[0] if found else ""


async def carries(_: Connection) -> bool:
    """It does."""
    return True


async def work(config: Config, program: Program) -> None:
    """Obey until the lines end."""
    asker, loop = Asker(config, program), asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    program.report(ready=True)
    while line := await lines.readline():
        answer = await asker.told(json.loads(line))
        os.write(1, json.dumps(answer).encode() + b"\n")
    program.stopping.set()


if __name__ == "__main__":
    sys.exit(main(Config, work, sys.argv[1:]))
