"""An endpoint at work: serve, register, wait, leave."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from nsm.api.context import PolicyRoute
from nsm.chains.needs import Needs
from nsm.dataplane.inhabited import addresses_in
from nsm.elements.context import AssignPointToPoint, AssignStrict, RecallAddresses, SpareOthers
from nsm.elements.context.recall_addresses import Standing
from nsm.elements.lifecycle import CloseWhenIdle
from nsm.elements.policy import LimitCallers
from nsm.endpoint import policy_routes
from nsm.endpoint.config import Config
from nsm.endpoint.recipe import serving
from nsm.endpoint.registering import register
from nsm.nouns import replace
from nsm.program import Program, main
from nsm.sdk import END, Chain, Handler, Link, Offer, chain
from nsm.sdk.live_file import LiveFile
from nsm.store import Notes

log = logging.getLogger(__name__)

C = TypeVar("C", bound=Config)
Own = Link[Handler] | Callable[[Needs], Link[Handler]]
"""An element of the author's, or what makes one of what the program has."""
Build = Callable[[C, Program, Needs], Awaitable[Chain[Handler]]]
"""Makes an endpoint's chain out of its settings."""


def serve(*own: Own, argv: Sequence[str] | None = None) -> None:
    """Serve what NSM_SERVICE_NAMES says, with elements of one's own; ends the process when told to.

    Your elements stand before address assignment: on the way back they see a finished connection.
    """

    async def build(config: Config, program: Program, needs: Needs) -> Chain[Handler]:
        return await simple(config, program, needs, [made(one, needs) for one in own])

    sys.exit(main(Config, worker(build), argv or sys.argv[1:]))


def made(own: Own, needs: Needs) -> Link[Handler]:
    """The element itself."""
    return own(needs) if callable(own) else own


def worker(build: Build[C]) -> Callable[[C, Program], Awaitable[None]]:
    """What an endpoint program does around the chain that `build` makes."""

    async def work(config: C, program: Program) -> None:
        needs = admitting(config, program)
        built = await build(config, program, needs)
        offer = Offer(connections=built.bind(END), monitor=needs.events)
        await program.serve(offer, [url := config.listen_on or program.own_socket()])
        await register(config, program, url)
        program.ready()

    return work


def admitting(config: Config, program: Program) -> Needs:
    """What an endpoint's chain stands on: who may ask, and for what."""
    hops, id = config.forwarder_ids, program.identity.id
    admission = replace(program.admission(config), endpoint=id, hops=hops)
    needs = program.needs(config.dial_timeout, admission, config.monitor_admins)
    limit = LimitCallers(admission.believes, "NSM_FORWARDER_IDS")
    return replace(needs, admit=chain(limit, needs.admit)) if hops else needs


async def simple(
    config: Config, program: Program, needs: Needs, own: Sequence[Link[Handler]] = ()
) -> Chain[Handler]:
    """The chain of an endpoint that ends the vWire itself, in the namespace it is told."""
    standing = partial(asyncio.to_thread, addresses_in, config.netns)
    return ending(config, program, needs, standing, own)


def ending(
    config: Config,
    program: Program,
    needs: Needs,
    standing: Standing,
    own: Sequence[Link[Handler]] = (),
) -> Chain[Handler]:
    """The same, wherever its interfaces stand."""
    routes = LiveFile[tuple[PolicyRoute, ...]](
        config.pbr_config_path, policy_routes.read, (), program.clock
    )
    addresses = addressing(config, program, standing)
    return serving(config, needs, idle(config, program), addresses, routes, own)


def addressing(config: Config, program: Program, standing: Standing) -> list[Link[Handler]]:
    """What gives addresses, and knows those of an earlier life where there is a folder for them."""
    groups = [AssignPointToPoint(group) for group in config.cidr_prefix]
    links: list[Link[Handler]] = [SpareOthers(groups), *groups] if groups else []
    if config.ipam_policy == "strict" and groups:
        strict = AssignStrict(*config.cidr_prefix)
        groups, links = strict.groups, [strict]
    for group in groups:
        program.holdings.addresses.by(group.handed_out)
    if notes := kept(config, program):
        recall = RecallAddresses(groups, notes, standing, program.clock, program.tasks)
        program.holdings.awaited.by(recall.may_come)
        return [recall, *links]
    return links


def kept(config: Config, program: Program) -> Notes | None:
    """What an earlier life noted of its connections, where there is a folder for that."""
    folder = config.state_dir
    return Notes(Path(folder) / "notes", program.clock) if folder else None


def idle(config: Config, program: Program) -> CloseWhenIdle:
    """What stops the program when nobody has been connected for as long as is set."""
    seconds = config.idle_timeout.total_seconds()
    element = CloseWhenIdle(seconds, program.stopping.set, program.clock)
    element.start()
    return element
