"""What the forwarder does with a request, top to bottom (W §3.9)."""

from collections.abc import Mapping
from dataclasses import dataclass

from nsm.api.registration import Endpoint, NetworkService
from nsm.chains.client import client
from nsm.chains.endpoint import endpoint
from nsm.chains.needs import Needs
from nsm.elements.context import LeaveBehind
from nsm.elements.discovery import DiscoverEndpoint, TakeTurns
from nsm.elements.kernel import JoinNamespaces
from nsm.elements.mechanism import (
    FilterMechanisms,
    OfferKernel,
    ReceiveFiles,
    ReceiveFilesClient,
    SelectMechanism,
    SendFiles,
    SendFilesClient,
    TranslateMechanism,
)
from nsm.elements.reach import Connect, MakeBeforeBreak
from nsm.sdk import END, Chain, Handler, Link, Registry


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a forwarder's chain is made with: what it can find, and what it can build (`ways`)."""

    services: Registry[NetworkService]
    endpoints: Registry[Endpoint]
    ways: Mapping[str, Link[Handler]]
    offer: Link[Handler]
    join: JoinNamespaces
    authorize: Link[Handler]


def forwarder(needs: Needs, parts: Parts) -> Chain[Handler]:
    """Choose the endpoint, reach it, and build the vWire when everybody has agreed.

    What another forwarder of this node built for the same place in a path is taken over.
    """
    return endpoint(
        needs,
        needs.admit,
        SendFiles(),
        ReceiveFiles(needs.clock),
        DiscoverEndpoint(parts.services, parts.endpoints, needs.clock),
        TakeTurns(),
        LeaveBehind(),
        MakeBeforeBreak(needs.tasks, needs.clock),
        SelectMechanism(parts.ways),
        parts.join,
        Connect(
            client(
                needs,
                TranslateMechanism(parts.join.onward),
                OfferKernel(),
                parts.offer,
                FilterMechanisms(),
                ReceiveFilesClient(needs.clock, from_owners=True),
                SendFilesClient(),
                authorize=parts.authorize,
            ).bind(END)
        ),
        succeeds=True,
    )
