"""How fast a Go caller is served; `make interop` prints it, and no figure fails a test."""

import pytest
from tests.interop.ours import Echo

from nsm.sdk import Offer

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.mark.parametrize("kind", ["unix", "tcp"])
@pytest.mark.parametrize(("connections", "calls"), [(1, 1000), (8, 250)])
async def test_a_go_caller_is_answered_many_times(
    peers, serving, figures, kind, connections, calls
) -> None:
    url = await serving(Offer(connections=Echo()), kind)
    crowd = ("-connections", str(connections), "-calls", str(calls))
    done = await (await peers("request", "-to", url, "-service", "quiet", *crowd)).says("called")
    assert done["calls"] == connections * calls
    rate, median = done["calls"] / done["seconds"], done["median"] * 1000
    figures.append(
        f"Go asks us over {kind}, {connections} at once:"
        f" {rate:.0f} requests/s, median {median:.2f} ms"
    )
