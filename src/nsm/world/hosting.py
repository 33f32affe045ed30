"""Attaching and detaching: guests come and go under a supervisor."""

import asyncio
import logging
from itertools import count
from signal import SIGKILL

from nsm.errors import Invalid, NotFound
from nsm.nouns import replace
from nsm.world import asking, guests
from nsm.world.guests import Target
from nsm.world.plan import WorkloadPlan
from nsm.world.spec import Want
from nsm.world.status import UP, Json, workload_status
from nsm.world.supervisor import Supervisor

log = logging.getLogger(__name__)
LOOK = 0.5
"""Seconds between two looks at whether a guest is still there."""


class Hosting:
    """The guests of a mesh, by the name each is listed under."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.guests: dict[str, Target] = {}
        self.turn = asyncio.Lock()

    async def attach(self, asked: asking.Attach) -> Json:
        """Give vWires to a target, or more of them, and say how they are when up or out of time."""
        target = guests.find_target(asked.target)
        wants = guests.wants(asked.urls)
        async with self.turn:
            name = self._name_of(target)
            has = self.supervisor.workload(name).wants if name else ()
            all_of_it = guests.together(has, wants)
            if name is None:
                name = await self._welcome(target, self._planned(asked.node, all_of_it))
            elif all_of_it != has:
                await self._more(name, all_of_it)
        await self.supervisor.until(lambda: self._shown(name)["state"] == UP, asked.within)
        return self._shown(name)

    async def _more(self, name: str, wants: tuple[Want, ...]) -> None:
        """Ended without notice, its client leaves what stands, and its successor goes on."""
        await self.supervisor.jobs.kill(self.supervisor.jobs.get(name), SIGKILL)
        await self._begin(name, wants)

    async def detach(self, asked: asking.Detach) -> Json:
        """Take vWires back from a target: those named, or all."""
        async with self.turn:
            name = self._known(asked.target)
            wants = self.supervisor.workload(name).wants
            unknown = set(asked.urls) - {want.text for want in wants}
            if unknown:
                fix = ", ".join(want.text for want in wants)
                raise NotFound(f"{name} has no {min(unknown)}", fix=f"it has {fix}")
            left = tuple(want for want in wants if asked.urls and want.text not in asked.urls)
            await self.supervisor.jobs.stop(self.supervisor.jobs.get(name))
            if left:
                await self._begin(name, left)
            else:
                self._farewell(name)
        return {"name": name, "left": [want.text for want in left]}

    def _shown(self, name: str) -> Json:
        if name not in self.supervisor.workloads:
            raise NotFound(f"the target of {name} is gone")
        return workload_status(self.supervisor.workloads[name], self.supervisor.view())

    def _name_of(self, target: Target) -> str | None:
        return next((name for name, one in self.guests.items() if one.key == target.key), None)

    def _known(self, asked: str) -> str:
        """The guest that goes by a name of ours, by what it was attached as, or by what it is."""
        for name, target in self.guests.items():
            if asked in (name, target.asked):
                return name
        found = self._name_of(guests.find_target(asked))
        if found is not None:
            return found
        known = ", ".join(self.guests) or "none"
        raise NotFound(f"{asked!r} is not attached", fix=f"attached are: {known}")

    def _planned(self, node: str, wants: tuple[Want, ...]) -> WorkloadPlan:
        nodes = {node: one.name for one in self.supervisor.plan.domains for node in one.nodes}
        chosen = node or next(iter(nodes), "")
        if chosen not in nodes:
            raise NotFound(f"there is no node {chosen!r}", fix=f"there are {', '.join(nodes)}")
        taken = self.supervisor.jobs.all
        name = next(name for n in count(1) if (name := f"attach-{n}") not in taken)
        return WorkloadPlan(name=name, domain=nodes[chosen], node=chosen, wants=wants)

    async def _welcome(self, target: Target, planned: WorkloadPlan) -> str:
        spaces = self.supervisor.spaces
        own = {guests.key_of(str(spaces.path(name))) for name in spaces.spaces}
        if target.key in own:
            raise Invalid(f"{target.asked} is of this mesh", fix="add the wish to its file instead")
        spaces.adopt(planned.name, target.path)
        self.guests[planned.name] = target
        self.supervisor.workloads[planned.name] = planned
        self.supervisor.write_entries(planned.domain)
        await self._begin(planned.name, planned.wants)
        self.supervisor.tasks.start(f"watch {planned.name}", self._watch(planned.name, target))
        return planned.name

    async def _begin(self, name: str, wants: tuple[Want, ...]) -> None:
        """Start the client of a guest, for all it wants now."""
        planned = replace(self.supervisor.workload(name), wants=wants)
        self.supervisor.workloads[name] = planned
        self.supervisor.wires.expect(planned)
        if name in self.supervisor.jobs.all:
            self.supervisor.jobs.remove(name)
        kept = guests.client(self.supervisor.plan, self.supervisor.home, planned)
        self.supervisor.jobs.add([kept])

    async def _watch(self, name: str, target: Target) -> None:
        """Let go of a guest when it has gone."""
        while self.guests.get(name) is target:
            await self.supervisor.clock.sleep(LOOK)
            if not target.there:
                log.info("%s, attached as %s, is gone", target.asked, name)
                async with self.turn:
                    if self.guests.get(name) is target:
                        await self.supervisor.jobs.stop(self.supervisor.jobs.get(name))
                        self._farewell(name)

    def _farewell(self, name: str) -> None:
        domain = self.supervisor.workload(name).domain
        del self.guests[name], self.supervisor.workloads[name]
        self.supervisor.jobs.remove(name)
        self.supervisor.wires.forget(name)
        self.supervisor.spaces.release(name)
        self.supervisor.write_entries(domain)
        self.supervisor.changed()
