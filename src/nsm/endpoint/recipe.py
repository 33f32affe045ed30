"""What an endpoint does with a request, top to bottom."""

from collections.abc import Callable, Iterable, Sequence

from nsm.api.context import PolicyRoute
from nsm.api.mechanism import KERNEL, NOOP
from nsm.chains.endpoint import endpoint
from nsm.chains.needs import Needs
from nsm.elements.context import PolicyRoutes, ServeNames
from nsm.elements.lifecycle import CloseWhenIdle
from nsm.elements.mechanism import AnswerKernel, SelectMechanism, SendFiles
from nsm.endpoint.config import Config
from nsm.sdk import Chain, Element, Handler, Link


def serving(
    config: Config,
    needs: Needs,
    idle: CloseWhenIdle,
    addresses: Sequence[Link[Handler]],
    policies: Callable[[], Iterable[PolicyRoute]],
    own: Sequence[Link[Handler]],
) -> Chain[Handler]:
    """Hand out addresses, answer with our namespace, and do what the author adds (W §3.10)."""
    return endpoint(
        needs,
        needs.admit,
        idle,
        *own,
        *addresses,
        PolicyRoutes(policies),
        SelectMechanism({KERNEL: AnswerKernel(f"file://{config.netns}"), NOOP: Element()}),
        ServeNames(config.dns_configs),
        SendFiles(),
    )
