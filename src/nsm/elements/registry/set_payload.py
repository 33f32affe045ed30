"""Give a service that names no payload the usual one."""

from nsm.api.connection import IP
from nsm.api.registration import NetworkService
from nsm.nouns import replace
from nsm.sdk import Call, Registry, RegistryElement


class SetPayload(RegistryElement[NetworkService]):
    """Write `payload` where there is none."""

    def __init__(self, payload: str = IP) -> None:
        self.payload = payload

    async def register(
        self, call: Call, record: NetworkService, next: Registry[NetworkService]
    ) -> NetworkService:
        said = record if record.payload else replace(record, payload=self.payload)
        return await next.register(call, said)
