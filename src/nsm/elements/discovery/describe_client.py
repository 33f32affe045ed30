"""Where a client runs, told by labels."""

from collections.abc import Mapping

from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class DescribeClient(Element):
    """Add labels such as nodeName, podName and clusterName where the client set none."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = {key: value for key, value in labels.items() if value}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        described = replace(asked, labels={**self.labels, **asked.labels})
        return await next.request(call, request.carrying(described))
