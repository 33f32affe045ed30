"""Give a service that names no payload the usual one."""

import pytest

from nsm.api.registration import NetworkService
from nsm.elements.registry import SetPayload
from nsm.sdk import Call
from nsm.sdk.registry import NowhereElse


@pytest.mark.parametrize(
    ("element", "said", "kept"),
    [
        (SetPayload(), "", "IP"),
        (SetPayload(), "ETHERNET", "ETHERNET"),
        (SetPayload(), "custom", "custom"),
        (SetPayload("ETHERNET"), "", "ETHERNET"),
    ],
)
async def test_only_an_empty_payload_is_set(element: SetPayload, said: str, kept: str) -> None:
    registry = element.bind(NowhereElse())
    answer = await registry.register(Call(), NetworkService(name="s", payload=said))
    assert answer.payload == kept
