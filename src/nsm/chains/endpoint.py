"""What everything that answers a request begins with."""

from nsm.chains.needs import Needs
from nsm.elements.lifecycle import Begin, Monitor, Timeout
from nsm.elements.path import RefuseNonsense, TrimPath, UpdatePath, UpdateToken
from nsm.elements.policy import RefuseStrangers
from nsm.sdk import Chain, Handler, Link, chain

__all__ = ["Needs", "endpoint"]


def endpoint(needs: Needs, *then: Link[Handler], succeeds: bool = False) -> Chain[Handler]:
    """Know the caller, keep the connection alive, tell whoever watches, then do `then`.

    With `succeeds`, go on where another in our place in the path left off (see `UpdatePath`).
    """
    return chain(
        RefuseNonsense(),
        UpdatePath(needs.name, succeeds=succeeds),
        Begin(needs.tasks, needs.clock),
        UpdateToken(needs.tokens),
        needs.authorize,
        RefuseStrangers(needs.believes),
        Timeout(needs.clock),
        Monitor(needs.events, needs.watching),
        TrimPath(),
        *then,
    )
