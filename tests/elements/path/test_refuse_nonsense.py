from dataclasses import replace

import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.context import IpContext
from nsm.api.mechanism import Mechanism
from nsm.elements.path import RefuseNonsense
from nsm.errors import Invalid
from nsm.sdk import Call
from nsm.sdk.testing import Recorder

HONEST = Connection("c", "svc", path=Path(0, (Segment("nsc", "c"),)))


async def test_what_makes_sense_passes() -> None:
    end = Recorder()
    entry = RefuseNonsense().bind(end)
    await entry.request(Call(), Request(HONEST, (Mechanism("LOCAL", "KERNEL"),)))
    await entry.close(Call(), HONEST)
    assert end.verbs == ["request c", "close c"]


@pytest.mark.parametrize(
    "nonsense",
    [
        replace(HONEST, id="x" * 100_000),
        replace(HONEST, network_service="two\nlines"),
        replace(HONEST, path=Path(7, HONEST.hops.segments)),
        HONEST.with_ip(IpContext(src_ip_addrs=("300.1.2.3/32",))),
    ],
    ids=["long id", "line break", "beyond the path", "no address"],
)
async def test_what_makes_none_reaches_nobody(nonsense: Connection) -> None:
    end = Recorder()
    entry = RefuseNonsense().bind(end)
    with pytest.raises(Invalid):
        await entry.request(Call(), Request(nonsense))
    with pytest.raises(Invalid):
        await entry.close(Call(), nonsense)
    assert end.heard == []


async def test_a_flood_of_preferences_is_refused() -> None:
    with pytest.raises(Invalid):
        await (
            RefuseNonsense()
            .bind(Recorder())
            .request(Call(), Request(HONEST, (Mechanism("LOCAL", "KERNEL"),) * 1000))
        )
