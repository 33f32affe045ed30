"""What interfaces of ours leave in a namespace when they go: policy rules, and tables of nft.

Neither says whose it is, nor need it: a rule that leads to an empty table, and a table of nft that
carries to an interface that is gone, do nothing for anybody any more.
"""

import re
from collections.abc import Iterator

from nsm.dataplane import encode, nft, rtnl
from nsm.dataplane.census import VERSIONS
from nsm.dataplane.facts import TABLE, Fact
from nsm.dataplane.netlink import Netlink, attributes, number
from nsm.dataplane.netns import Netns, standing_in
from nsm.dataplane.ops import AddRule
from nsm.dataplane.plan.policies import HASHED, TABLES
from nsm.errors import NsmError

OURS = re.compile(r"(?ms)^table netdev (nsm_[0-9a-f]{16}) \{ # handle (\d+)$(.*?)^\}")
CARRIES, CARRIED = re.compile(r"(?m)^\t\tfwd to "), re.compile(r"(?m)^\t\tfwd to \d")
"""What says where to; of an interface that is gone it has the number, and no name."""


def idle_rules(netns: Netns, kernel: Netlink) -> tuple[AddRule, ...]:
    """Our rules there whose tables are empty: what led from them went with its interface."""
    ruled = [_where(body) for body in kernel.dump(rtnl.RTM_GETRULE) if _is_ours(body)]
    led = {_where(body) for body in (kernel.dump(rtnl.RTM_GETROUTE) if ruled else ())}
    return tuple(AddRule(netns, *where) for where in ruled if where not in led)


def clear_tables(netns: Netns) -> tuple[Fact, ...]:
    """Remove our tables of nft there that join nothing; for worker threads.

    By handle: one that was made anew under the same name meanwhile is another.
    """
    with standing_in(netns):
        return tuple(Fact(netns.key.ino, TABLE, name) for name in _cleared())


def _cleared() -> Iterator[str]:
    try:
        said = nft.ask("list ruleset netdev", handles=True)
    except NsmError:
        return  # where nft cannot be asked, it has joined nothing
    for name, handle, rules in OURS.findall(said):
        if CARRIES.search(rules) and not CARRIED.search(rules):
            continue
        try:
            nft.run(f"delete table netdev handle {handle}")
        except NsmError:
            continue  # whoever joined it was quicker
        yield name


def _is_ours(rule: bytes) -> bool:
    priority = number(attributes(rule, 12).get(rtnl.FRA_PRIORITY, b""))
    return priority == encode.RULE_PRIORITY and _where(rule)[1] & ~HASHED == TABLES


def _where(body: bytes) -> tuple[int, int]:
    """IP version and table of a route or a rule: both say them in the same places."""
    table = number(attributes(body, 12).get(rtnl.RTA_TABLE, b"")) or body[4]
    return VERSIONS.get(body[0], 0), table
