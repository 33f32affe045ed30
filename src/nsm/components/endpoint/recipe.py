"""What an endpoint that passes on does with a request, top to bottom."""

from collections.abc import Mapping
from dataclasses import dataclass

from nsm.api.mechanism import KERNEL
from nsm.chains.client import client
from nsm.chains.endpoint import endpoint
from nsm.chains.needs import Needs
from nsm.components.endpoint.config import PassthroughConfig
from nsm.elements.discovery import RememberNextEndpoint, ReplaceLabels
from nsm.elements.kernel import CarryThrough
from nsm.elements.lifecycle import CloseAtEnd, CloseWhenIdle
from nsm.elements.mechanism import (
    AnswerKernel,
    OfferKernel,
    SelectMechanism,
    SendFiles,
    SendFilesClient,
    TranslateMechanism,
)
from nsm.elements.path import SignForOurselves
from nsm.elements.reach import Connect, SetUrl
from nsm.sdk import END, Chain, Handler, Link
from nsm.store import Notes


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What such a chain is made with: who asks onward, and as what."""

    asker: Needs
    idle: CloseWhenIdle
    ending: CloseAtEnd
    carry: CarryThrough
    service: Link[Handler]
    interface: str
    labels: Mapping[str, str]
    authorize: Link[Handler]
    notes: Notes | None = None


def passthrough(config: PassthroughConfig, needs: Needs, parts: Parts) -> Chain[Handler]:
    """Ask the endpoint after us for the same, and let packets through from one to the other."""
    namespace = f"file://{config.netns}"
    return endpoint(
        needs,
        needs.admit,
        parts.idle,
        SelectMechanism({KERNEL: AnswerKernel(namespace)}),
        SendFiles(),
        parts.ending,
        parts.carry,
        SignForOurselves(needs.tokens),
        Connect(
            client(
                parts.asker,
                ReplaceLabels(parts.labels),
                parts.service,
                RememberNextEndpoint(parts.notes),
                TranslateMechanism(parts.carry.onward),
                OfferKernel(namespace, parts.interface),
                SendFilesClient(),
                url=SetUrl(config.connect_to),
                authorize=parts.authorize,
            ).bind(END)
        ),
    )
