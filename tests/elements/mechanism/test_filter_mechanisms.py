"""What can be offered over which distance."""

import pytest

from nsm.api.mechanism import KERNEL, LOCAL, REMOTE, VXLAN, Mechanism
from nsm.elements.mechanism.filter_mechanisms import FilterMechanisms
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

NEAR, FAR = Mechanism(LOCAL, KERNEL), Mechanism(REMOTE, VXLAN)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("unix:///proc/7/fd/9", NEAR),
        ("inode://4/5", NEAR),
        ("tcp://10.0.0.1:5001", FAR),
        ("10.0.0.1:5001", FAR),
        ("", FAR),
    ],
)
async def test_only_what_can_span_the_distance_is_offered(url: str, kept: Mechanism) -> None:
    end = Recorder()
    request = Request(Connection("c"), (FAR, NEAR))
    await FilterMechanisms().bind(end).request(Call().towards(url), request)
    assert end.requests[0].preferences == (kept,)


async def test_what_was_selected_is_not_touched() -> None:
    end = Recorder()
    request = Request(Connection("c", mechanism=FAR))
    await FilterMechanisms().bind(end).request(Call().towards("unix:///x"), request)
    assert end.requests[0].connection.mechanism == FAR
