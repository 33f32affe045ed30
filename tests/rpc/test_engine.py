"""The engine's own way to frame headers, read by plain h2."""

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, ResponseReceived, StreamReset, TrailersReceived
from h2.exceptions import ProtocolError, TooManyStreamsError
from h2.settings import SettingCodes

from nsm.rpc.engine import Engine

ANSWERED = [(":status", "200")]
ASKED = [(":method", "POST"), (":scheme", "https"), (":authority", "x"), (":path", "/a/B")]


class Pair:
    """An engine of ours, and h2 as anybody would use it, at the other end."""

    def __init__(self, *, client: bool) -> None:
        self.ours = Engine(client=client)
        self.theirs = H2Connection(H2Configuration(client_side=not client, header_encoding="utf-8"))
        self.ours.begin()
        self.theirs.initiate_connection()
        for _ in range(2):
            self.hear()
            self.ours.receive_data(self.theirs.data_to_send())

    def hear(self) -> list[object]:
        """What the other end makes of all that was said."""
        return self.theirs.receive_data(self.ours.data_to_send())

    def only(self, kind: type) -> object:
        (found,) = [event for event in self.hear() if isinstance(event, kind)]
        return found


def test_a_question_and_its_end_are_read_by_anybody() -> None:
    pair = Pair(client=True)
    pair.ours.say(1, ASKED)
    pair.ours.put(1, memoryview(b"abc"), True)
    asked, data = [e for e in pair.hear() if isinstance(e, RequestReceived | DataReceived)]
    assert [tuple(h) for h in asked.headers] == ASKED
    assert (data.data, data.stream_ended is not None) == (b"abc", True)


def test_an_answer_and_its_trailers_are_read_by_anybody() -> None:
    pair = Pair(client=False)
    pair.theirs.send_headers(1, ASKED, end_stream=True)
    pair.ours.receive_data(pair.theirs.data_to_send())
    pair.ours.say(1, [(":status", "200")])
    assert pair.only(ResponseReceived).stream_ended is None
    pair.ours.say(1, [("grpc-status", "0")], True)
    assert pair.only(TrailersReceived).stream_ended is not None


def test_headers_longer_than_a_frame_are_continued() -> None:
    pair = Pair(client=True)
    long = ("path", "x" * 40_000)
    pair.ours.say(1, [*ASKED, long], True)
    asked = pair.only(RequestReceived)
    assert tuple(asked.headers[-1]) == long
    assert asked.stream_ended is not None


def test_trailers_end_their_stream() -> None:
    pair = Pair(client=True)
    pair.ours.say(1, ASKED)
    with pytest.raises(ProtocolError):
        pair.ours.say(1, [("grpc-status", "0")])


def test_no_more_calls_run_than_the_peer_takes() -> None:
    pair = Pair(client=True)
    pair.theirs.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    pair.ours.receive_data(pair.theirs.data_to_send())
    pair.ours.say(1, ASKED)
    with pytest.raises(TooManyStreamsError):
        pair.ours.say(3, ASKED)


def test_a_frame_on_a_stream_we_reset_is_answered_and_ends_nothing_else() -> None:
    pair = Pair(client=False)
    pair.theirs.send_headers(1, ASKED)
    pair.ours.receive_data(pair.theirs.data_to_send())
    pair.ours.reset_stream(1)
    pair.theirs.send_data(1, b"late")
    pair.ours.receive_data(pair.theirs.data_to_send())
    assert [type(event) for event in pair.hear()] == [StreamReset]
    pair.theirs.send_headers(3, ASKED)
    events = pair.ours.receive_data(pair.theirs.data_to_send())
    assert [type(event) for event in events] == [RequestReceived]


def test_an_answer_to_a_call_that_is_long_forgotten_ends_nothing_else() -> None:
    pair = Pair(client=True)
    for number in (1, 3):
        pair.ours.say(number, ASKED, end=True)
    pair.theirs.receive_data(pair.ours.data_to_send())
    pair.ours.reset_stream(1)
    pair.ours._sweep_at = 0
    assert pair.ours.open_outbound_streams == 1  # whoever counts forgets what is over
    pair.theirs.send_headers(1, ANSWERED, end_stream=True)
    pair.ours.receive_data(pair.theirs.data_to_send())
    pair.theirs.send_headers(3, ANSWERED, end_stream=True)
    events = pair.ours.receive_data(pair.theirs.data_to_send())
    assert ResponseReceived in map(type, events)
