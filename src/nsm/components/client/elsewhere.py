"""Whether somebody else serves what a vWire is to: asked when its end can no longer be had."""

from dataclasses import dataclass

from nsm.api.matching import candidates, labels_of
from nsm.api.registration import Endpoint
from nsm.elements.discovery.finding import alive, find_with_service
from nsm.sdk import Call, Clock, Connection
from nsm.sdk.channel import Dialer


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Asks the registry, through the manager at `url`."""

    dialer: Dialer
    url: str
    clock: Clock

    async def __call__(self, conn: Connection) -> bool:
        """Whether an endpoint that is not on the way may be chosen, by us or by one that is."""
        channel = await self.dialer.dial(self.url)
        service, found = await find_with_service(
            channel.network_services,
            channel.endpoints,
            Call(),
            conn,
            Endpoint(network_service_names=(conn.network_service,)),
        )
        living = alive(found, self.clock)
        passed = {segment.name for segment in conn.hops.segments}
        asking = [labels_of(one, service.name) for one in living if one.name in passed]
        return any(
            one.name not in passed
            for labels in (conn.labels, *asking)
            for one in candidates(service, labels, living)
        )
