"""Offer a kernel interface."""

from nsm.api.mechanism import INODE_URL, KERNEL, LOCAL, NAME, Mechanism
from nsm.elements.mechanism.interface_name import interface_name
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class OfferKernel(Element):
    """Say in which namespace, under which name, an interface is wanted.

    A forwarder gives no namespace: it offers a name for the endpoint's interface, and a workload
    that serves has no business with the node's namespace.
    """

    def __init__(self, namespace_url: str = "", name: str = "") -> None:
        self.namespace = {INODE_URL: namespace_url} if namespace_url else {}
        self.name = name

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        offers = request.preferences
        if not any(offer.type == KERNEL for offer in offers):
            offers = (*offers, Mechanism(LOCAL, KERNEL))
        filled = tuple(self._fill(o, request.connection) if o.type == KERNEL else o for o in offers)
        return await next.request(call, replace(request, preferences=filled))

    def _fill(self, offer: Mechanism, conn: Connection) -> Mechanism:
        name = self.name or offer.get(NAME)
        name = name or interface_name(conn.network_service, conn.id)
        return offer.having(**{NAME: name}, **self.namespace)
