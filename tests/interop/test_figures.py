"""How fast a Go caller is served; `make interop` prints it, and no figure fails a test."""

from pathlib import Path

import pytest
from tests.interop.ours import Echo
from tests.interop.peer import GoPeers

from nsm.sdk import Offer

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.fixture(params=["we", "Go"])
async def server(request, peers: GoPeers, serving, tmp_path: Path):
    """Who answers, and where: another Go process shows what this machine can do."""

    async def begin(kind: str) -> str:
        if request.param == "we":
            return await serving(Offer(connections=Echo()), kind)
        where = {"unix": f"unix://{tmp_path}/go.sock", "tcp": "tcp://127.0.0.1:0"}[kind]
        at = (await (await peers("serve", "-listen", where)).says("listening"))["at"]
        return f"tcp://{at}" if kind == "tcp" else where

    return request.param, begin


@pytest.mark.parametrize("kind", ["unix", "tcp"])
@pytest.mark.parametrize(("connections", "calls"), [(1, 1000), (8, 250)])
async def test_a_go_caller_is_answered_many_times(
    peers, server, figures, kind, connections, calls
) -> None:
    who, begin = server
    crowd = ("-connections", str(connections), "-calls", str(calls))
    asked = ("-to", await begin(kind), "-service", "quiet", *crowd)
    done = await (await peers("request", *asked)).says("called")
    assert done["calls"] == connections * calls
    rate, median = done["calls"] / done["seconds"], done["median"] * 1000
    figures.append(
        f"a Go caller over {kind}, {connections} at once, {who} answer:"
        f" {rate:.0f} requests/s, median {median:.2f} ms"
    )
