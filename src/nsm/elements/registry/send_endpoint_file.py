"""Send the socket we listen at along with its registration (W §2.2 sendfd client)."""

from nsm.api.registration import Endpoint
from nsm.elements.registry.endpoint_files import send_path
from nsm.nouns import replace
from nsm.sdk import Call, Registry, RegistryElement


class SendEndpointFile(RegistryElement[Endpoint]):
    """Say an inode URL for a `unix:` one, where files can travel; between dialling and asking."""

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        answer = await next.register(call, self._sent(call, record))
        return replace(answer, url=record.url)

    async def unregister(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> None:
        await next.unregister(call, self._sent(call, record))

    def _sent(self, call: Call, record: Endpoint) -> Endpoint:
        files = call.channel.files if call.channel else None
        if files is None or not record.url.startswith("unix://"):
            return record
        return replace(record, url=send_path(files, record.url.removeprefix("unix://")))
