"""Finds what we made, in any namespace, by the tags it carries; and removes what nobody needs."""

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nsm.dataplane.driver import Driver
from nsm.dataplane.facts import Fact
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.link import Link
from nsm.dataplane.netns import Key, Netns
from nsm.dataplane.ops import DelLink, LinkEnd
from nsm.dataplane.reaper import DOOMED
from nsm.errors import NsmError


@dataclass(frozen=True, slots=True)
class Found:
    """An interface of ours, where it stands, and what its proven tag says."""

    netns: Netns
    link: Link
    tag: Tag

    @property
    def end(self) -> LinkEnd:
        """The same, to be removed as it is."""
        return LinkEnd(self.netns, self.link.name, alias=self.link.alias)


async def survey(driver: Driver, spaces: Iterable[Netns], key: NodeKey) -> tuple[Found, ...]:
    """Every interface with a tag of this node's in these namespaces."""
    found: list[Found] = []
    for netns in spaces:
        links = await driver.links(netns)
        found += (Found(netns, link, tag) for link in links if (tag := key.read(link.alias)))
    return tuple(found)


async def sweep(
    driver: Driver, spaces: Iterable[Netns], key: NodeKey, needed: Callable[[Found], bool]
) -> tuple[Found, ...]:
    """Remove our interfaces that are not needed, and finish removals that a crash cut short."""
    places = tuple(spaces)
    unneeded = tuple(f for f in await survey(driver, places, key) if not needed(f))
    for found in unneeded:
        await driver.apply(DelLink(found.end))
    for netns in places:
        doomed = [link for link in await driver.links(netns) if link.group == DOOMED]
        await driver.apply(*(DelLink(LinkEnd(netns, link.name)) for link in doomed))
    return unneeded


async def tidy(driver: Driver, spaces: Iterable[Netns]) -> tuple[Fact, ...]:
    """Remove what interfaces that are gone have left behind, in each of these namespaces."""
    return tuple([fact for netns in spaces for fact in await driver.tidy(netns)])


async def namespaces(*folders: Path) -> tuple[Netns, ...]:
    """Every namespace that a process stands in, or that is bound somewhere; also in `folders`."""
    return await asyncio.to_thread(_namespaces, folders)


def _namespaces(folders: Iterable[Path]) -> tuple[Netns, ...]:
    known: dict[Key, Netns] = {}
    for path in _paths(folders):
        with suppress(OSError, NsmError):
            there = path.stat()
            key = Key(there.st_dev, there.st_ino)
            if key not in known:
                known[key] = Netns.open(str(path))
    return tuple(known.values())


def _paths(folders: Iterable[Path]) -> Iterable[Path]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            yield process / "ns/net"
    yield from _bound(Path("/proc/self/mountinfo"))
    for folder in folders:
        if folder.is_dir():
            yield from folder.iterdir()


def _bound(mounts: Path) -> Iterable[Path]:
    """Where network namespaces are bound, whether anyone is in them or not."""
    with suppress(OSError):
        for line in mounts.read_text().splitlines():
            root, place = [*line.split(" "), "", "", "", "", ""][3:5]
            if root.startswith("net:["):
                yield Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place))
