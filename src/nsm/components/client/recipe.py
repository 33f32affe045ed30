"""What the client does with a request, top to bottom."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nsm.chains.client import client
from nsm.chains.needs import Needs
from nsm.components.client.config import Config
from nsm.components.client.go_on import GoOn
from nsm.components.client.memory import Memory
from nsm.components.client.report import ReportConnections
from nsm.elements.context import RememberPrefixes
from nsm.elements.discovery import DescribeClient
from nsm.elements.lifecycle import FollowUpstream, Heal, Liveness, Refresh, Retry
from nsm.elements.mechanism import OfferKernel, SendFilesClient
from nsm.elements.reach import SetUrl
from nsm.sdk import Chain, Handler, Link, chain


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a client's chain is made with, beside its settings and needs."""

    report: ReportConnections
    place: Mapping[str, str]
    groups: RememberPrefixes
    liveness: Liveness | None
    authorize: Link[Handler]
    memory: Memory = field(default_factory=lambda: Memory(""))


def requester(config: Config, needs: Needs, parts: Parts) -> Chain[Handler]:
    """Ask the manager until it gives, and keep what it gave: refreshed, and healed."""
    return chain(
        Retry(needs.clock, config.request_timeout.total_seconds()),
        GoOn(needs.clock, parts.liveness),
        client(
            needs,
            DescribeClient(parts.place),
            FollowUpstream(needs.watching),
            OfferKernel(f"file://{config.netns}"),
            parts.groups,
            SendFilesClient(),
            url=chain(parts.report, parts.memory, SetUrl(config.connect_to)),
            refresh=Refresh(needs.tasks, needs.convoy),
            heal=Heal(
                needs.watching,
                needs.tasks,
                needs.convoy,
                liveness=parts.liveness,
                noticed=parts.report.noticed,
            ),
            authorize=parts.authorize,
        ),
    )
