"""Say where an endpoint runs, in its labels."""

from nsm.api.labels import Labels
from nsm.api.registration import Endpoint
from nsm.elements.registry import DescribeEndpoint
from nsm.sdk import Call
from nsm.sdk.registry import NowhereElse


async def test_each_service_is_told_what_it_does_not_say_itself() -> None:
    where = DescribeEndpoint({"nodeName": "n1", "podName": "p1", "clusterName": ""})
    nse = Endpoint(
        name="e",
        network_service_names=("a", "b", "c"),
        network_service_labels={"a": Labels(), "b": Labels({"podName": "mine"}, b"\x1a\0")},
    )
    kept = await where.bind(NowhereElse()).register(Call(), nse)
    assert kept.network_service_labels == {
        "a": {"nodeName": "n1", "podName": "p1"},
        "b": {"nodeName": "n1", "podName": "mine"},
    }
    assert kept.network_service_labels["b"].rest == b"\x1a\0"
