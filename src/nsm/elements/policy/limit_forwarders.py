"""Let nobody pose as a forwarder: every vWire of the node would be handed to it."""

from nsm.admission import Admission
from nsm.api.registration import Endpoint
from nsm.errors import Denied
from nsm.identity.evidence import registrants
from nsm.sdk import Call, Registry, RegistryElement


class LimitForwarders(RegistryElement[Endpoint]):
    """Refuse registrations in the service of forwarders, except of the mesh's own programs."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        if call.peer is not None and self.admission.forwarders in record.network_service_names:
            who, _ = self.admission.asker(call.peer.id, registrants(call.tokens), 1)
            if not self.admission.believes(who):
                raise Denied(
                    f"{who[:300] or 'nobody'} may not be a forwarder",
                    hop=self.admission.name,
                    fix="name it in NSM_FORWARDER_IDS",
                )
        return await next.register(call, record)
