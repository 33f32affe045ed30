"""Where a client runs."""

from nsm.elements.discovery.describe_client import DescribeClient
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder


async def test_labels_are_added_where_the_client_set_none() -> None:
    asked = Request(Connection("c", labels={"podName": "mine", "app": "web"}))
    entry = DescribeClient({"podName": "p", "nodeName": "n", "clusterName": ""}).bind(Recorder())
    conn = await entry.request(Call(), asked)
    assert conn.labels == {"podName": "mine", "nodeName": "n", "app": "web"}
