"""What the forwarder does with a request, top to bottom (W §3.9)."""

from dataclasses import dataclass

from nsm.api.mechanism import KERNEL, VXLAN
from nsm.api.registration import Endpoint, NetworkService
from nsm.chains.client import client
from nsm.chains.endpoint import endpoint
from nsm.chains.needs import Needs
from nsm.elements.discovery import DiscoverEndpoint, TakeTurns
from nsm.elements.kernel import JoinNamespaces
from nsm.elements.mechanism import (
    AcceptVxlan,
    FilterMechanisms,
    OfferKernel,
    OfferVxlan,
    ReceiveFiles,
    ReceiveFilesClient,
    SelectMechanism,
    SendFiles,
    SendFilesClient,
    TranslateMechanism,
)
from nsm.elements.reach import Connect
from nsm.sdk import END, Chain, Element, Handler, Link, Registry


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a forwarder's chain is made with: what it can find, and what it can build."""

    services: Registry[NetworkService]
    endpoints: Registry[Endpoint]
    accept: AcceptVxlan
    offer: OfferVxlan
    join: JoinNamespaces
    authorize: Link[Handler]


def forwarder(needs: Needs, parts: Parts) -> Chain[Handler]:
    """Choose the endpoint, reach it, and build the vWire when everybody has agreed."""
    return endpoint(
        needs,
        SendFiles(),
        ReceiveFiles(needs.clock),
        DiscoverEndpoint(parts.services, parts.endpoints, needs.clock),
        TakeTurns(),
        SelectMechanism({KERNEL: Element(), VXLAN: parts.accept}),
        parts.join,
        Connect(
            client(
                needs,
                TranslateMechanism(parts.join.onward),
                OfferKernel(),
                parts.offer,
                FilterMechanisms(),
                ReceiveFilesClient(needs.clock),
                SendFilesClient(),
                authorize=parts.authorize,
            ).bind(END)
        ),
    )
