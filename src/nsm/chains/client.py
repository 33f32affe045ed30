"""What everything that asks for a connection begins with."""

from nsm.chains.needs import Needs
from nsm.elements.lifecycle import BeginClient, Heal, Liveness, Refresh
from nsm.elements.path import KeepPath, UpdatePath
from nsm.elements.reach import AskChannel, Dial, SetUrl
from nsm.sdk import Chain, Element, Handler, Link, chain

NOTHING = Element()
"""A link that only passes on."""


def client(
    needs: Needs,
    *additional: Link[Handler],
    url: Link[Handler] = NOTHING,
    refresh: Link[Handler] = NOTHING,
    heal: Link[Handler] = NOTHING,
    authorize: Link[Handler] = NOTHING,
) -> Chain[Handler]:
    """Ask the next hop: the one at `url`, or wherever the call is already on its way to."""
    return chain(
        UpdatePath(needs.name),
        BeginClient(needs.tasks, needs.clock),
        refresh,
        url,
        heal,
        Dial(needs.dialer, needs.clock, needs.dial_timeout),
        *additional,
        authorize,
        KeepPath(),
        AskChannel(),
    )


def persistent_client(
    needs: Needs,
    to: str,
    *additional: Link[Handler],
    liveness: Liveness | None = None,
    authorize: Link[Handler] = NOTHING,
) -> Chain[Handler]:
    """Ask the hop at `to`, and keep what it gives: refreshed, and healed when it breaks."""
    return client(
        needs,
        *additional,
        url=SetUrl(to),
        refresh=Refresh(needs.tasks, needs.convoy),
        heal=Heal(needs.watching, needs.tasks, needs.convoy, liveness=liveness),
        authorize=authorize,
    )
