"""Whether somebody else serves what a vWire is to: asked when its end can no longer be had."""

from dataclasses import dataclass

from nsm.api.matching import candidates, labels_of
from nsm.api.registration import Endpoint
from nsm.elements.discovery.finding import alive, find_all, find_with_service
from nsm.sdk import Call, Clock, Connection
from nsm.sdk.channel import Channel, Dialer


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Asks the registry, through the manager at `url`."""

    dialer: Dialer
    url: str
    clock: Clock

    async def __call__(self, conn: Connection) -> bool:
        """Whether an endpoint that is not on the way may be chosen, by us or by one that is."""
        channel = await self.dialer.dial(self.url)
        return await self._served(channel, conn) or await self._end_is_gone(channel, conn)

    async def _served(self, channel: Channel, conn: Connection) -> bool:
        """Whether there is one for what we ask for."""
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

    async def _end_is_gone(self, channel: Channel, conn: Connection) -> bool:
        """Whether nobody knows any more whom the one we have passes on to.

        Which service that was is not ours to know, nor who else may serve it.
        """
        end = conn.hops.segments[-1].name if conn.hops.segments else conn.endpoint
        if end == conn.endpoint:
            return False
        known = alive(await find_all(channel.endpoints, Call(), Endpoint(name=end)), self.clock)
        return all(one.name != end for one in known)
