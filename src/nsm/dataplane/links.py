"""Links made, found again, taken over and removed, for the length of one `apply`."""

import errno
import logging
import random
from collections.abc import Sequence

from nsm.dataplane import encode, link, rtnl
from nsm.dataplane.driver import NameTaken, VniTaken
from nsm.dataplane.encode import Message, NewEnd, Tunnel
from nsm.dataplane.ledger import same_device, same_owner, vni_in
from nsm.dataplane.link import Link
from nsm.dataplane.netlink import Refused
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import (
    AddBridge,
    AddVeth,
    AddVxlan,
    Creation,
    DelLink,
    LinkEnd,
    TakeName,
    ends_of,
)
from nsm.dataplane.reaper import DOOMED, Reaper, doom
from nsm.dataplane.sockets import Sockets
from nsm.dataplane.steps import mac, refusal
from nsm.nouns import replace

log = logging.getLogger(__name__)

OURS = 0x6E736D01
"""The link group of what is to have an alias, so that what a crash left without is known too."""
INDICES = (1000, 1 << 20)
TRIES = 8


class Links:
    """Knows the `index` of every interface met, by namespace and name."""

    def __init__(self, sockets: Sockets, reaper: Reaper) -> None:
        self._sockets = sockets
        self._reaper = reaper
        self.index: dict[tuple[Netns, str], int] = {}

    def find(self, netns: Netns, name: str) -> Link | None:
        """An interface by name, without its addresses."""
        seen = link.links(self._sockets.of(netns).ask(encode.get_link(name)))
        if not seen:
            return None
        self.index[netns, name] = seen[0].index
        return seen[0]

    def create(self, op: Creation) -> bool:
        """Create, or find the same already there (False). NameTaken, VniTaken by somebody else."""
        for attempt in range(TRIES):
            refused = self._attempt(op)
            if refused is None:
                return True
            if refused.code == errno.EBUSY:  # the index drawn is in use there: draw again
                continue
            if refused.code != errno.EEXIST:
                raise refusal(op, refused)
            if self._take_over(op):
                return False
            # A VNI or name may be held by what is being removed: until nothing is any more.
            if not self._reaper.wait() and attempt:
                break
        if isinstance(op, AddVxlan):
            raise VniTaken(f"cannot {op}: this node uses that VNI already")
        raise NameTaken(f"cannot {op}: the name is taken")

    def remove(self, op: DelLink) -> None:
        """Take the names and the traffic away at once; the rest is the reaper's."""
        doomed: list[LinkEnd] = []
        for end in (op.end, op.peer) if op.peer else (op.end,):
            there = self.find(end.netns, end.name)
            if there and (_unfinished(there) or _is_device(there, end)):
                doom(self._sockets.of(end.netns), there, group=not doomed)
                doomed.append(end)
            elif there:
                log.warning("%s in %r is not ours any more: left alone", end.name, end.netns)
        for end in doomed[:1]:  # the other end of a pair goes with the first
            self._reaper.collect(end.netns)

    def take_name(self, op: TakeName) -> None:
        """Let what has the name leave it, and give it to the other; NameTaken if it is not ours.

        Before kernel 6.2 only a link that is down can be renamed: what has the name is removed, and
        the other loses what `up` does not bring back of its addresses, and its routes.
        """
        before, wanted = self.find(op.end.netns, op.name), replace(op.end, name=op.name)
        if before and not _is_owned(before, wanted):
            raise NameTaken(f"cannot {op}: there is another interface {op.name}")
        socket = self._sockets.of(op.end.netns)
        left = before and not isinstance(socket.ask(_renamed(before.index, op.leaving)), Refused)
        if before and not left:
            doom(socket, before, group=True)
            self._reaper.collect(op.end.netns)
        index = self.index.pop((op.end.netns, op.end.name))
        rename = _renamed(index, op.name)
        answer = socket.ask(rename)
        if isinstance(answer, Refused) and answer.code == errno.EBUSY:
            down, up = (encode.set_link(index, up=way) for way in (False, True))
            answer = socket.talk([down, rename, up])[1]
        if isinstance(answer, Refused):
            if before and left:
                socket.ask(_renamed(before.index, op.name))
            raise refusal(op, answer)
        self.index[op.end.netns, op.name] = index

    def _attempt(self, op: Creation) -> Refused | None:
        match op:
            case AddVeth(a, b, mtu):
                sender, message = a.netns, encode.new_veth(self._new(a), self._new(b), mtu)
            case AddVxlan(node, end, vni, local, remote, port, mtu):
                tunnel = Tunnel(vni, local, remote, port)
                sender, message = node, encode.new_vxlan(self._new(end), tunnel, mtu)
            case AddBridge(end):
                sender, message = end.netns, encode.new_link(self._new(end), "bridge")
        answer = self._sockets.of(sender).ask(message)
        return answer if isinstance(answer, Refused) else None

    def _new(self, end: LinkEnd) -> NewEnd:
        """The end with an index drawn for it: known beforehand, it need not be asked for."""
        index = random.randrange(*INDICES)
        while index in self.index.values():
            index = random.randrange(*INDICES)
        self.index[end.netns, end.name] = index
        hardware = mac(end.mac) if end.mac else b""
        return NewEnd(end.name, index, end.netns.fd, hardware, OURS if end.alias else 0)

    # -- what an earlier life of ours left

    def _take_over(self, op: Creation) -> bool:
        """Whether the wanted device is there, under its names now.

        A program that was restarted may have chosen another name for an end: it is renamed, and no
        packet is lost. What was this connection's and is no longer as wanted is removed.
        """
        ends = ends_of(op)
        named = [self.find(end.netns, end.name) for end in ends]
        self._check_owners(op, named)
        found = [there or self._tagged(end) for there, end in zip(named, ends, strict=True)]
        if self._fits(ends, found) and all(map(self._rename, ends, found)):
            return True
        for end, there in zip(ends, found, strict=True):
            if there:
                self.remove(DelLink(LinkEnd(end.netns, there.name, alias=there.alias)))
        return False

    def _check_owners(self, op: Creation, named: Sequence[Link | None]) -> None:
        for end, there in zip(ends_of(op), named, strict=True):
            if there and not _is_owned(there, end):
                raise NameTaken(
                    f"cannot {op}: there is another interface {end.name}",
                    fix="choose another interface name, or remove what has it",
                )

    def _tagged(self, end: LinkEnd) -> Link | None:
        """The device of that end under whatever name."""
        if not end.alias:
            return None
        known = link.links(self._sockets.of(end.netns).ask(encode.get_links()))
        return next((t for t in known if t.group != DOOMED and _is_device(t, end)), None)

    def _fits(self, ends: Sequence[LinkEnd], found: Sequence[Link | None]) -> bool:
        """All there, as wanted, and the ends of a pair each other's."""
        if not all(t and _is_device(t, e) for t, e in zip(found, ends, strict=True)):
            return False
        a, b = found[0], found[-1]
        return len(found) == 1 or (a is not None and b is not None and _joined(a, b))

    def _rename(self, end: LinkEnd, there: Link | None) -> bool:
        if there and there.name != end.name:
            self._sockets.of(end.netns).ask(_renamed(there.index, end.name))
        return self.find(end.netns, end.name) is not None


def _renamed(index: int, name: str) -> Message:
    return encode.set_link(index, encode.text(rtnl.IFLA_IFNAME, name))


def _joined(a: Link, b: Link) -> bool:
    return a.peer == b.index and b.peer == a.index


def _is_owned(there: Link, end: LinkEnd) -> bool:
    """Whether an interface is of the connection and role meant, or free to be taken."""
    return _unfinished(there) or same_owner(there.alias, end.alias) or _is_marked(there, end)


def _is_device(there: Link, end: LinkEnd) -> bool:
    """Whether it is the very device meant, also where the workload wrote over its alias."""
    if same_owner(there.alias, end.alias):
        return same_device(there.alias, end.alias)
    return _is_marked(there, end) and there.vni == vni_in(end.alias)


def _is_marked(there: Link, end: LinkEnd) -> bool:
    """Whether it has our group and the hardware address that only this end has."""
    return there.group == OURS and bool(end.mac) and there.mac == end.mac


def _unfinished(there: Link) -> bool:
    """Whether an interface is ours but was never said to be whose: its maker was interrupted."""
    return there.group == OURS and not there.alias
