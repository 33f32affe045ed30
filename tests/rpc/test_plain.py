"""gRPC in the clear on a unix socket, among ourselves and with an independent implementation."""

import asyncio
import os
import socket
import stat
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from tests.leaving import nothing_holds_itself

from nsm.errors import Denied, Exhausted, Invalid, NsmError, TooLate, Unimplemented, Unreachable
from nsm.rpc.message import MOST
from nsm.rpc.plain import PlainServer, plain_stream, plain_unary
from nsm.sdk.streams import reading

LARGE = MOST


async def echo(call, request):
    yield request


async def count(call, request):
    for n in range(int(request)):
        yield str(n).encode()


async def who(call, request):
    assert call.pidfd is None or os.fstat(call.pidfd)
    yield f"{call.pid} {call.uid} {call.gid} {call.metadata.get('workload.spiffe.io')}".encode()


async def refuse(call, request):
    raise Denied("not you, 50% … ever", hop="the authority", fix="be someone else")
    yield b""


async def stumble(call, request):
    raise RuntimeError("a secret of ours")
    yield b""


async def forever(call, request):
    yield b"first"
    try:
        await asyncio.Event().wait()
    finally:
        ENDED.append(request)


async def silent(call, request):
    await asyncio.Event().wait()
    yield b""


ENDED = []
METHODS = {
    f"/Test/{method.__name__}": method
    for method in (echo, count, who, refuse, stumble, forever, silent)
}


@pytest.fixture
async def server(tmp_path):
    made = PlainServer(str(tmp_path / "plain.sock"), METHODS)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def url(server):
    return server.address


async def test_one_question_one_answer(url):
    assert await plain_unary(url, "/Test/echo", b"hello", []) == b"hello"


@pytest.mark.parametrize("size", [0, 1, 16_384, 70_000, LARGE])
async def test_messages_of_every_size_come_back_whole(url, size):
    said = os.urandom(size)
    assert await plain_unary(url, "/Test/echo", said, []) == said


async def test_a_message_that_no_peer_takes_is_not_sent(url):
    with pytest.raises(Exhausted, match="peers take"):
        await plain_unary(url, "/Test/echo", bytes(MOST + 1), [])


async def test_a_stream_ends_when_it_is_over(url):
    got = [int(answer) async for answer in plain_stream(url, "/Test/count", b"1000", [])]
    assert got == list(range(1000))


async def test_the_kernel_says_who_asks(url):
    got = await plain_unary(url, "/Test/who", b"", [("workload.spiffe.io", "true")])
    assert got.decode() == f"{os.getpid()} {os.getuid()} {os.getgid()} ['true']"


async def test_whoever_asked_holds_itself_nowhere(url, server, until):
    async def ask():
        await plain_unary(url, "/Test/who", b"", [])
        with pytest.raises(Denied):
            await plain_unary(url, "/Test/refuse", b"", [])
        answers = plain_stream(url, "/Test/silent", b"", [])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), reading(answers):
                await anext(answers)
        await until(lambda: not len(server._host))

    await ask()
    async with nothing_holds_itself():
        await ask()


async def test_a_refusal_arrives_as_what_it_was(url):
    with pytest.raises(Denied) as caught:
        await plain_unary(url, "/Test/refuse", b"", [])
    error = caught.value
    assert (error.cause, error.hop, error.fix) == (
        "not you, 50% … ever",
        "the authority",
        "be someone else",
    )


async def test_a_stumble_says_nothing_of_its_cause(url, caplog):
    with pytest.raises(NsmError) as caught:
        await plain_unary(url, "/Test/stumble", b"", [])
    assert "secret" not in str(caught.value)
    assert caplog.text.count("RuntimeError: a secret of ours") == 1


async def test_a_method_that_is_not_there_is_unimplemented(url):
    with pytest.raises(Unimplemented):
        await plain_unary(url, "/Test/nothing", b"", [])


async def test_leaving_a_stream_cancels_it(url, until):
    ENDED.clear()
    answers = plain_stream(url, "/Test/forever", b"mine", [])
    assert await anext(answers) == b"first"
    await answers.aclose()
    await until(lambda: ENDED == [b"mine"])


async def test_a_unary_call_that_takes_too_long_is_given_up(url, until):
    with pytest.raises(TooLate):
        await plain_unary(url, "/Test/silent", b"", [], timeout=0.05)
    assert await plain_unary(url, "/Test/echo", b"on we go", []) == b"on we go"


async def test_closing_ends_streams_as_unavailable(server, url, tmp_path):
    answers = plain_stream(url, "/Test/forever", b"", [])
    await anext(answers)
    closing = asyncio.ensure_future(server.close())
    with pytest.raises(Unreachable):
        await anext(answers)
    await closing
    assert not (tmp_path / "plain.sock").exists()
    with pytest.raises(Unreachable):
        await plain_unary(url, "/Test/echo", b"", [])


async def test_the_socket_may_be_used_by_whom_its_mode_says(tmp_path):
    server = PlainServer(str(tmp_path / "deep" / "er" / "s.sock"), METHODS, mode=0o640)
    await server.start()
    mode = os.stat(tmp_path / "deep" / "er" / "s.sock").st_mode
    assert stat.S_IMODE(mode) == 0o640
    await server.close()


async def test_a_socket_left_behind_is_replaced_and_one_in_use_is_not(tmp_path):
    path = str(tmp_path / "s.sock")
    first = PlainServer(path, METHODS)
    await first.start()
    with pytest.raises(Unreachable, match="another program"):
        await PlainServer(path, METHODS).start()
    await first.close()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(path)
    assert (tmp_path / "s.sock").exists()
    second = PlainServer(path, METHODS)
    await second.start()
    assert await plain_unary(second.address, "/Test/echo", b"x", []) == b"x"
    await second.close()


async def test_a_file_in_the_way_is_left_alone(tmp_path):
    (tmp_path / "s.sock").write_text("precious")
    with pytest.raises(Invalid, match="no socket"):
        await PlainServer(str(tmp_path / "s.sock"), METHODS).start()
    assert (tmp_path / "s.sock").read_text() == "precious"


def ask_by_grpcio(url, method, request, metadata=()):
    with grpc.insecure_channel(url) as channel:
        call = channel.unary_stream(method)(request, metadata=metadata, timeout=10)
        return list(call)


async def test_grpcio_asks_us(url):
    said = os.urandom(LARGE)
    assert await asyncio.to_thread(ask_by_grpcio, url, "/Test/echo", said) == [said]
    got = await asyncio.to_thread(ask_by_grpcio, url, "/Test/count", b"300")
    assert got == [str(n).encode() for n in range(300)]
    (answer,) = await asyncio.to_thread(
        ask_by_grpcio, url, "/Test/who", b"", [("workload.spiffe.io", "true")]
    )
    assert answer.decode().endswith("['true']")


async def test_grpcio_hears_why_it_is_refused(url):
    with pytest.raises(grpc.RpcError) as caught:
        await asyncio.to_thread(ask_by_grpcio, url, "/Test/refuse", b"")
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert caught.value.details() == "not you, 50% … ever"


async def test_we_ask_grpcio(tmp_path):
    def stream(request, context):
        yield from (request, b"", bytes(100_000))

    def refused(request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no … not here")

    peer = grpc.server(ThreadPoolExecutor(2))
    handlers = {
        "stream": grpc.unary_stream_rpc_method_handler(stream),
        "refused": grpc.unary_unary_rpc_method_handler(refused),
    }
    peer.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Test", handlers),))
    url = f"unix://{tmp_path}/peer.sock"
    peer.add_insecure_port(url)
    peer.start()
    try:
        got = [answer async for answer in plain_stream(url, "/Test/stream", b"hi", [])]
        assert got == [b"hi", b"", bytes(100_000)]
        with pytest.raises(NsmError, match="no … not here") as caught:
            await plain_unary(url, "/Test/refused", b"", [])
        assert caught.value.status == "NOT_FOUND"
    finally:
        await asyncio.to_thread(peer.stop(None).wait)
