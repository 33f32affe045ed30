"""grpc-go and go-spiffe call what we serve."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.interop.ours import REFUSAL, Echo

from nsm.api.registration import Answer, Endpoint, NetworkService
from nsm.identity import jwt
from nsm.rpc import serve
from nsm.sdk import Offer
from nsm.sdk.testing import RecordingRegistry

US, GO = "spiffe://test/python", "spiffe://test/go"

pytestmark = pytest.mark.interop


@pytest.fixture
def echo(tmp_path: Path) -> Echo:
    file = tmp_path / "ours.txt"
    file.write_text("from us")
    return Echo(file=file, events=1000)


@pytest.fixture(params=["unix", "tcp"])
async def url(request, serving, echo: Echo) -> str:
    return await serving(Offer(connections=echo, monitor=echo), request.param)


@pytest.mark.parametrize("tls", [(), ("-tls12",)], ids=["newest", "tls12"])
async def test_a_request_is_answered_over_both_versions_of_tls(peers, url, echo, tls) -> None:
    peer = await peers("request", "-to", url, *tls)
    answer = await peer.says("answer")
    assert answer["peer"] == US
    assert answer["labels"] == {"größe": "ünïcode"}
    assert [call.peer.id for call in echo.calls] == [GO]
    assert 14 < echo.calls[0].deadline - asyncio.get_running_loop().time() <= 15


async def test_a_token_names_the_caller_and_us_alone_and_its_signature_is_good(
    peers, url, echo
) -> None:
    await (await peers("request", "-to", url, "-lifetime", "5m")).says("answer")
    (call,) = echo.calls
    claims = jwt.read(call.token.text)
    assert (claims.sub, claims.aud) == (GO, (US,))
    assert jwt.signed_by(call.token.text, call.peer.leaf)


async def test_files_travel_both_ways_over_a_unix_socket(peers, serving, echo, tmp_path) -> None:
    url = await serving(Offer(connections=echo))
    (file := tmp_path / "theirs.txt").write_text("from Go")
    answer = await (await peers("request", "-to", url, "-file", str(file))).says("answer")
    assert (echo.files, answer["file"]) == (["from Go"], "from us")


async def test_two_hundred_connections_are_served_side_by_side(peers, url, echo) -> None:
    peer = await peers("request", "-to", url, "-connections", "200", "-calls", "2")
    done = await peer.says("called")
    assert (done["connections"], done["calls"]) == (200, 400)
    assert len(echo.calls) == 400


async def test_files_of_many_connections_are_not_confused(peers, serving, echo, tmp_path) -> None:
    url = await serving(Offer(connections=echo))
    (file := tmp_path / "theirs.txt").write_text("from Go")
    crowd = ("-connections", "50", "-calls", "4", "-file", str(file))
    assert (await (await peers("request", "-to", url, *crowd)).says("called"))["calls"] == 200
    assert echo.files == ["from Go"] * 200


async def test_a_hundred_files_at_once_find_their_calls(peers, serving, echo, tmp_path) -> None:
    url = await serving(Offer(connections=echo))
    for number in range(100):
        (tmp_path / f"theirs.{number}").write_text(f"file {number}")
    flags = ("-calls", "100", "-together", "-file", str(tmp_path / "theirs"))
    peer = await peers("request", "-to", url, *flags)
    answers = [said["file"] for said in await peer.tells("answer")]
    assert answers == ["from us"] * 100
    assert sorted(echo.files) == sorted(f"file {number}" for number in range(100))


async def test_a_stream_brings_every_event_in_order(peers, url, echo) -> None:
    peer = await peers("monitor", "-to", url, "-calls", "1001")
    watched = await peer.says("watched")
    assert (watched["events"], watched["in order"]) == (1000, True)
    assert (await peer.says("status"))["code"] == "OK"
    assert [s.path_segments[0].name for s in echo.selectors] == ["go"]


async def test_a_slow_reader_of_much_is_waited_for(peers, url, echo) -> None:
    echo.padding = "x" * 5000
    peer = await peers("monitor", "-to", url, "-calls", "1001", "-pause", "1ms")
    watched = await peer.says("watched")
    assert (watched["events"], watched["in order"]) == (1000, True)


async def test_a_deadline_that_passes_ends_the_call_on_both_sides(peers, url, echo) -> None:
    peer = await peers("deadline", "-to", url, "-timeout", "300ms")
    status = await peer.says("status")
    assert status["code"] == "DeadlineExceeded"
    assert 0.25 < status["seconds"] < 2
    async with asyncio.timeout(5):
        await echo.cancelled.wait()


async def test_a_refusal_keeps_its_status_and_words_and_says_more_to_who_looks(peers, url) -> None:
    peer = await peers("refused", "-to", url)
    trailer = (await peer.says("trailer"))["trailer"]
    status = await peer.says("status")
    assert (status["code"], status["message"]) == ("PermissionDenied", REFUSAL)
    assert (trailer["nsm-hop"], trailer["nsm-fix"]) == (["ours"], ["ask someone else"])


async def test_a_message_of_three_megabytes_goes_there_and_back(peers, url) -> None:
    peer = await peers("big", "-to", url)
    assert (await peer.says("answer"))["size"] == 3_000_000
    assert (await peer.says("status"))["code"] == "OK"


async def test_a_compressed_question_is_refused_in_the_words_of_grpc(peers, url, echo) -> None:
    peer = await peers("gzipped", "-to", url)
    assert (await peer.says("status"))["code"] == "Unimplemented"
    assert not echo.calls


async def test_a_call_that_runs_when_we_stop_is_answered(peers, source, echo, tmp_path) -> None:
    server = await serve(Offer(connections=echo), [url := f"unix://{tmp_path}/s"], source, source)
    peer = await peers("request", "-to", url, "-service", "gated")
    await echo.begun.wait()
    stopping = asyncio.ensure_future(server.close(grace=5))
    await asyncio.sleep(0)
    echo.gate.set()
    assert (await peer.says("answer"))["peer"] == US
    await stopping


async def test_what_is_not_offered_is_unimplemented(peers, url) -> None:
    peer = await peers("find", "-to", url)
    assert (await peer.says("status"))["code"] == "Unimplemented"


@pytest.mark.parametrize(
    ("service", "code", "health"),
    [
        ("", "OK", "SERVING"),
        ("networkservice.NetworkService", "OK", "SERVING"),
        ("registry.NetworkServiceRegistry", "NotFound", "UNKNOWN"),
    ],
)
async def test_health_is_told_of_what_is_offered(peers, url, service, code, health) -> None:
    peer = await peers("health", "-to", url, "-service", service)
    assert (await peer.says("answer"))["health"] == health
    assert (await peer.says("status"))["code"] == code


async def test_an_identity_of_another_authority_is_refused(peers, url, echo, stranger) -> None:
    peer = await peers("refused", "-to", url, "-timeout", "2s", agent=stranger)
    status = await peer.says("status")
    assert status["code"] == "Unavailable"
    assert "x509" in status["message"] or "certificate" in status["message"]
    assert not echo.calls


class Adding(RecordingRegistry[NetworkService]):
    """Adds two tokens to the path, as hops do."""

    async def register(self, call, record):
        assert (call.tokens.index, call.tokens.tokens) == (0, [])
        call.tokens.tokens += ["a", "b"]
        return await super().register(call, record)


async def test_a_registration_carries_its_path_both_ways(peers, serving) -> None:
    url = await serving(Offer(network_services=(registry := Adding())))
    peer = await peers("register", "-to", url, "-service", "web")
    registered = await peer.says("registered")
    (path,) = registered["path"]
    tokens = [{"token": "a"}, {"token": "b"}]
    assert json.loads(path) == {"Index": 0, "PathSegments": tokens}
    assert registry.verbs == ["register web"]


async def test_a_path_of_many_tokens_fits_into_a_header(peers, serving) -> None:
    registry: RecordingRegistry[NetworkService] = RecordingRegistry()
    url = await serving(Offer(network_services=registry))
    peer = await peers("register", "-to", url, "-service", "web", "-size", "12000")
    (path,) = (await peer.says("registered"))["path"]
    assert json.loads(path)["PathSegments"] == [{"token": "t" * 12000}]


async def test_a_find_ends_after_the_last_record(peers, serving) -> None:
    records = [Answer(Endpoint(str(number), ("web",))) for number in range(300)]
    registry: RecordingRegistry[Endpoint] = RecordingRegistry(*records)
    url = await serving(Offer(endpoints=registry), "tcp")
    peer = await peers("find", "-to", url, "-service", "web")
    assert (await peer.says("found"))["names"] == [str(number) for number in range(300)]
    assert (await peer.says("status"))["code"] == "OK"
    assert [call.peer.id for call in registry.calls] == [GO]
    assert registry.verbs == ["find "]
