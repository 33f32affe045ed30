"""The order of an endpoint's elements (W §3.10), and where its author's stand."""

from pathlib import Path

import pytest

from nsm.api.mechanism import KERNEL, NOOP
from nsm.config import load
from nsm.elements.mechanism import SelectMechanism
from nsm.endpoint.config import Config
from nsm.endpoint.serving import simple
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.program import Program
from nsm.sdk import Chain, Clock, Element, Handler
from nsm.sdk.clock import LoopClock
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.tasks import Tasks
from nsm.sdk.testing import party

pytestmark = pytest.mark.looptime


class Mine(Element):
    """An author's element."""


async def made(tmp_path: Path, *own: Element, **environ: str) -> Chain[Handler]:
    clock = LoopClock()
    source = FakeSource.of("spiffe://test/nse", Authority("test", Clock()))
    dialer = Switchboard(Tasks(), clock).dialer(party("spiffe://test/nse", clock))
    program = Program(
        name="nse", environ={}, identity=source, tokens=source, dialer=dialer, clock=clock
    )
    config = load(Config, {"NSM_PBR_CONFIG_PATH": str(tmp_path / "none"), **environ})
    return await simple(config, program, program.needs(config.dial_timeout), own)


def own_part(recipe: Chain[Handler]) -> list[str]:
    names = [type(link).__name__ for link in recipe.links]
    return names[names.index("TrimPath") + 1 :]


async def test_an_authors_elements_see_what_all_others_have_made(tmp_path: Path) -> None:
    assert own_part(await made(tmp_path, Mine(), Mine())) == [
        "Element",  # where admission stands
        "CloseWhenIdle",
        "Mine",
        "Mine",
        "SpareOthers",
        "AssignPointToPoint",
        "PolicyRoutes",
        "SelectMechanism",
        "ServeNames",
        "SendFiles",
    ]


@pytest.mark.parametrize(
    ("environ", "assigning"),
    [
        (
            {"NSM_CIDR_PREFIX": "[10.0.0.0/24,10.1.0.0/24],2001:db8::/64"},
            ["SpareOthers", "AssignPointToPoint", "AssignPointToPoint"],
        ),
        ({"NSM_CIDR_PREFIX": ""}, []),
        ({"NSM_IPAM_POLICY": "strict"}, ["AssignStrict"]),
        ({"NSM_STATE_DIR": "."}, ["RecallAddresses", "SpareOthers", "AssignPointToPoint"]),
        (
            {"NSM_IPAM_POLICY": "strict", "NSM_STATE_DIR": "."},
            ["RecallAddresses", "AssignStrict"],
        ),
        ({"NSM_IPAM_POLICY": "strict", "NSM_CIDR_PREFIX": ""}, []),
    ],
)
async def test_each_group_of_prefixes_gives_an_address_pair(
    tmp_path: Path, environ: dict[str, str], assigning: list[str]
) -> None:
    part = own_part(await made(tmp_path, **environ))
    assert part[2 : part.index("PolicyRoutes")] == assigning


async def test_a_kernel_interface_is_answered_and_nothing_at_all_is_too(tmp_path: Path) -> None:
    recipe = await made(tmp_path)
    (select,) = (link for link in recipe.links if isinstance(link, SelectMechanism))
    assert set(select.ways) == {KERNEL, NOOP}
