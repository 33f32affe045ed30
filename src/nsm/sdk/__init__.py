"""The vocabulary elements are written in."""

from nsm.api.connection import Connection, Request
from nsm.sdk.call import Call, Life, Peer, Slot, Token
from nsm.sdk.chain import Chain, chain
from nsm.sdk.channel import Channel, Dialer, Offer, Tokens
from nsm.sdk.clock import Alarm, Clock
from nsm.sdk.closing import closing_on_error
from nsm.sdk.element import Element
from nsm.sdk.handler import END, Handler, Link
from nsm.sdk.lanes import Lanes
from nsm.sdk.registry import Registry, RegistryElement, registry_chain
from nsm.sdk.tasks import Tasks

__all__ = [
    "END",
    "Alarm",
    "Call",
    "Chain",
    "Channel",
    "Clock",
    "Connection",
    "Dialer",
    "Element",
    "Handler",
    "Lanes",
    "Life",
    "Link",
    "Offer",
    "Peer",
    "Registry",
    "RegistryElement",
    "Request",
    "Slot",
    "Tasks",
    "Token",
    "Tokens",
    "chain",
    "closing_on_error",
    "registry_chain",
]
