"""Say where an endpoint runs, in its labels."""

from collections.abc import Mapping

from nsm.api.labels import Labels
from nsm.api.registration import Endpoint
from nsm.nouns import replace
from nsm.sdk import Call, Registry, RegistryElement


class DescribeEndpoint(RegistryElement[Endpoint]):
    """Add labels (nodeName, podName, clusterName) to each service's, where they are not set."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = {name: value for name, value in labels.items() if value}

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        described = {
            service: Labels({**self.labels, **labels}, labels.rest)
            for service, labels in record.network_service_labels.items()
        }
        return await next.register(call, replace(record, network_service_labels=described))
