"""What a forwarder that died has left behind: adopted at its restart, and collected in the end."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from nsm.dataplane.driver import Driver, VniTaken
from nsm.dataplane.ledger import NodeKey
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import DelLink
from nsm.dataplane.plan import ENDPOINT, is_going
from nsm.dataplane.sweep import Found, namespaces, survey, sweep, tidy
from nsm.dataplane.vnis import Vnis
from nsm.dataplane.wires import Wires
from nsm.errors import NsmError
from nsm.sdk import Clock

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two looks at every namespace of the host."""
AWAITED = 10.0
"""Seconds in which whoever had a vWire may ask for it again before another is given its place."""


Spaces = Callable[[], Awaitable[tuple[Netns, ...]]]


async def adopt(
    wires: Wires, vnis: Vnis, kernel: Driver, key: NodeKey, spaces: Spaces = namespaces
) -> None:
    """Know what bears our key, before anybody asks: it is kept, and its VNIs are in use.

    But what had been replaced goes now: nobody else knows that it was to go.
    """
    try:
        stood = await survey(kernel, await spaces(), key)
        found = tuple(one for one in stood if not is_going(one.link.name))
        replaced = (one for one in stood if is_going(one.link.name))
        await kernel.apply(*(DelLink(one.end) for one in replaced))
    except (NsmError, OSError) as error:
        log.warning("could not look for what stands from before: %s", error)
        return
    wires.found.add(found)
    accepted = [one.tag for one in found if one.tag.role == ENDPOINT and one.tag.vni]
    for tag in accepted:  # what the other side chose is the other side's to let go of
        with suppress(VniTaken):
            vnis.hold(tag.connection, tag.vni)
    if found:
        log.info("%d interfaces stand from before", len(found))


async def give_way(wires: Wires, clock: Clock) -> None:
    """Nobody is held up any longer by what nobody has asked for."""
    await clock.sleep(AWAITED)
    wires.found.yields = True


async def collect(
    wires: Wires,
    vnis: Vnis,
    kernel: Driver,
    key: NodeKey,
    clock: Clock,
    spaces: Spaces = namespaces,
) -> None:
    """At once, and from then on: remove what bears our key, is not kept, and has expired.

    What is kept only because its removal failed is removed as well, and so is what interfaces that
    are gone have left behind, whoever made it.
    """

    def needed(found: Found) -> bool:
        kept = (found.netns, found.link.name) in wires.places
        return found.tag.expires > clock.now() or kept

    async def once() -> None:
        """In a call of its own, that no namespace is held on to until the next."""
        await wires.finish()
        places = await spaces()
        for found in await sweep(kernel, places, key, needed):
            log.info("collected %s, expired in %r", found.link.name, found.netns)
        if wires.found:
            _let_go(wires, vnis, await survey(kernel, places, key))
        for fact in await tidy(kernel, places):
            log.info("collected a %s in namespace %d: %s", fact.kind, fact.netns, fact.what)

    while True:
        try:
            await once()
        except (NsmError, OSError) as error:
            log.warning("could not look for what nobody needs: %s", error)
        await clock.sleep(EVERY)


def _let_go(wires: Wires, vnis: Vnis, stand: Iterable[Found]) -> None:
    """The VNIs of what an earlier life made, nobody has asked for, and no longer stands."""
    for connection in wires.found.lost({one.tag.connection for one in stand}):
        vnis.release(connection)
