"""The order of the manager's elements (W §3.3)."""

from nsm.chains.needs import Needs
from nsm.chains.registry import ManagerRegistries
from nsm.components.manager.config import Config
from nsm.components.manager.recipe import Parts, manager
from nsm.config import load
from nsm.sdk import Clock, Element, Tasks
from nsm.sdk.registry import NowhereElse
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import party

CLOCK = Clock()


def test_the_forwarder_is_chosen_before_anything_is_received() -> None:
    who = party("spiffe://test/nm", CLOCK)
    needs = Needs(
        name="nm",
        tokens=who.tokens,
        dialer=Switchboard(Tasks(), CLOCK).dialer(who),
        authorize=Element(),
    )
    nothing = NowhereElse()
    parts = Parts(
        registries=ManagerRegistries(services=nothing, endpoints=nothing, local=nothing),
        url="tcp://10.0.0.1:5001",
        place={},
        excluded=tuple,
        authorize=Element(),
    )
    names = [type(link).__name__ for link in manager(load(Config, {}), needs, parts).links]
    assert names[names.index("TrimPath") + 1 :] == [
        "DescribeClient",
        "Element",  # where admission stands
        "DiscoverForwarder",
        "WatchServices",
        "ExcludePrefixes",
        "SendFiles",
        "ReceiveFiles",
        "Connect",
    ]
