"""The node at work: two programs, one process, the same four segments in every path.

The halves reach each other by method call; each signs its own segment, under the process's one
identity, and policies run as ever. What one calls the other in here is never told to anyone.
"""

from nsm.components.forwarder import program as forwarding
from nsm.components.forwarder.ground import Ground, ground
from nsm.components.manager import program as managing
from nsm.config import Url
from nsm.node.config import MANAGER, Config
from nsm.node.hide_urls import HideUrls
from nsm.nouns import replace
from nsm.program import Program
from nsm.sdk import Offer, registry_chain
from nsm.sdk.inprocess import Party
from nsm.sdk.switchboard import Switchboard

FORWARDER = "inproc://forwarder"
REGISTRY = "inproc://registry"


async def work(config: Config, program: Program, registry: Offer | None = None) -> None:
    """Serve the node; `registry` is asked where it is held in here."""
    await stand(config, program, await ground(config.forwarder, program), registry)


async def stand(
    config: Config, program: Program, under: Ground, registry: Offer | None = None
) -> None:
    """The same, on the kernel that is `under` it."""
    board = Switchboard(program.tasks, program.clock)
    if registry:
        config = replace(config, registry_url=Url(REGISTRY))
        board.plug(REGISTRY, registry, program.identity.peer)
    as_manager, as_forwarder = halves(config, program, board)
    managed = managing.manage(config, as_manager)
    forwarded = await forwarding.forward(config.forwarder, as_forwarder, under)
    board.plug(MANAGER, managed.offer, program.identity.peer)
    board.plug(FORWARDER, forwarded.offer, program.identity.peer)
    await program.serve(hidden(managed.offer, managed.url), config.listen_on)
    await forwarded.register(config.forwarder, FORWARDER)
    program.ready()


def halves(config: Config, program: Program, board: Switchboard) -> tuple[Program, Program]:
    """The process as each half sees it: its own name, its own tokens, a way to the other half."""
    lasting = config.forwarder_max_token_lifetime.total_seconds()
    manager = Party(program.identity.peer, program.identity)
    forwarder = Party(program.identity.peer, program.identity.lasting(lasting))
    return replace(program, dialer=board.dialer(manager, program.dialer)), replace(
        program,
        name=config.forwarder_name,
        tokens=forwarder.tokens,
        dialer=board.dialer(forwarder, program.dialer),
    )


def hidden(offer: Offer, url: str) -> Offer:
    """What is offered to others: never a URL that means something in this process only."""
    if offer.endpoints is None:
        return offer
    return replace(offer, endpoints=registry_chain(HideUrls(url)).bind(offer.endpoints))
