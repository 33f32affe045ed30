"""The HTTP/2 engine itself: h2, bounded, cheap with tokens, and patient with peers that leave.

h2 4.4.1 is pinned exactly because this file overrides parts of it.
"""

from collections.abc import Sequence
from struct import Struct

from h2.config import H2Configuration
from h2.connection import AllowedStreamIDs, ConnectionInputs, H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event
from h2.exceptions import (
    FrameTooLargeError,
    ProtocolError,
    StreamClosedError,
    StreamIDTooLowError,
    TooManyStreamsError,
)
from h2.frame_buffer import FrameBuffer
from h2.settings import SettingCodes, Settings
from h2.stream import StreamInputs
from hyperframe.frame import Frame, GoAwayFrame

from nsm.rpc.headers import RememberingDecoder, RememberingEncoder

MOST_STREAMS = 4096
MOST_HEADERS = 65536
WINDOW, STREAM_WINDOW = 4 * 1024 * 1024, 256 * 1024
"""Bytes a peer may send unread, on a connection and on one stream: one that nobody reads must not
stop the others."""
LONGEST_PIECE = 65536
"""Bytes sent at a time, also to peers that take frames of 16 MiB: others want their turn."""
FRAME = Struct(">IBI")
"""Length (24 bits) and type, flags, stream (RFC 9113 §4.1)."""
DATA, HEADERS, CONTINUATION = 0, 1, 9
END_STREAM, END_HEADERS = 1, 4
SWEEP = 16
"""Ended streams that may lie about before they are swept up."""
FIRST_WINDOW = 65535
"""What every connection begins with (RFC 9113 §6.9.2)."""


class _Frames(FrameBuffer):
    """Refuses a frame by its announced length; h2 would first collect up to 16 MiB of it."""

    def __next__(self) -> Frame:
        if int.from_bytes(self._data[:3], "big") > self.max_frame_size and len(self._data) > 2:
            raise FrameTooLargeError("a frame longer than the peer was told to send")
        return super().__next__()


class _Refused(Frame):
    """A frame that was looked at, and what was wrong with it."""

    def __init__(self, error: ProtocolError) -> None:
        super().__init__(0)
        self.error: ProtocolError | None = error

    def __repr__(self) -> str:  # h2 writes it for its log, and a frame without a body cannot
        return f"refused: {self.error}"


def _refuse(frame: _Refused) -> tuple[list[Frame], list[Event]]:
    error, frame.error = frame.error, None  # raised, it has those who have the frame
    try:
        raise error or ProtocolError("refused")
    finally:
        del error


class Engine(H2Connection):
    """h2, but a peer's polite GOAWAY does not end the streams it lets us finish."""

    MAX_CLOSED_STREAMS = 2 * MOST_STREAMS  # 65536 of them would keep 8 MiB a connection

    def __init__(self, *, client: bool) -> None:
        # What we read of headers is checked where it is read: h2's own pass costs as much again.
        config = H2Configuration(
            client_side=client,
            header_encoding="latin-1",  # fails on nothing a peer may send
            validate_inbound_headers=False,
            validate_outbound_headers=False,
            normalize_inbound_headers=False,
            normalize_outbound_headers=False,
        )
        super().__init__(config)
        self._sweep_at = SWEEP
        self.encoder = RememberingEncoder()
        self.decoder = RememberingDecoder()
        self.incoming_buffer = _Frames(server=not client)
        wanted = {
            SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
            SettingCodes.MAX_HEADER_LIST_SIZE: MOST_HEADERS,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        }
        if client:
            wanted[SettingCodes.ENABLE_PUSH] = 0
        self._frame_dispatch_table[_Refused] = _refuse
        self.local_settings = Settings(client, initial_values=wanted)
        self.decoder.max_header_list_size = MOST_HEADERS

    def begin(self) -> None:
        """Prepare the first bytes to send."""
        self.initiate_connection()
        self.increment_flow_control_window(WINDOW - FIRST_WINDOW)

    def put(self, number: int, data: memoryview, end: bool) -> int:
        """Frame as much of `data` as the windows allow; how much that was.

        What `send_data` does, at a third of its price; events to many watchers are made of this.
        """
        stream = self._get_stream_by_id(number)
        window = min(stream.outbound_flow_control_window, self.outbound_flow_control_window)
        size = min(len(data), window, self.max_outbound_frame_size, LONGEST_PIECE)
        if size <= 0:
            return 0
        self.state_machine.process_input(ConnectionInputs.SEND_DATA)
        stream.state_machine.process_input(StreamInputs.SEND_DATA)
        ends = end and size == len(data)
        if ends:
            stream.state_machine.process_input(StreamInputs.SEND_END_STREAM)
        stream.outbound_flow_control_window -= size
        self.outbound_flow_control_window -= size
        self._data_to_send += FRAME.pack(size << 8 | DATA, END_STREAM * ends, number)
        self._data_to_send += data[:size]
        return size

    def say(self, number: int, headers: Sequence[tuple[str, str]], end: bool = False) -> None:
        """Frame a block of headers: what `send_headers` does, at a third of its price."""
        most = self.remote_settings.max_concurrent_streams
        if number not in self.streams and self.open_outbound_streams >= most:
            raise TooManyStreamsError(f"{most} calls run already, and the peer takes no more")
        self.state_machine.process_input(ConnectionInputs.SEND_HEADERS)
        stream = self._get_or_create_stream(number, AllowedStreamIDs(self.config.client_side))
        stream.state_machine.process_input(StreamInputs.SEND_HEADERS)
        if end:
            stream.state_machine.process_input(StreamInputs.SEND_END_STREAM)
        elif stream.state_machine.trailers_sent:
            raise ProtocolError("trailers that do not end their stream")
        block, longest = self.encoder.encode(headers), self.max_outbound_frame_size
        kind, flags = HEADERS, END_STREAM * end
        while len(block) > longest:
            self._data_to_send += FRAME.pack(longest << 8 | kind, flags, number) + block[:longest]
            block, kind, flags = block[longest:], CONTINUATION, 0
        self._data_to_send += FRAME.pack(len(block) << 8 | kind, flags | END_HEADERS, number)
        self._data_to_send += block

    def _receive_frame(self, frame: Frame) -> list[Event]:
        # h2 first writes every frame out for its log, whether anybody reads that or not.
        events: list[Event]
        try:
            frames, events = self._frame_dispatch_table[frame.__class__](frame)
        except (StreamClosedError, StreamIDTooLowError) as error:
            return super()._receive_frame(_Refused(error))
        self._prepare_for_sending(frames)
        return events

    def _open_streams(self, remainder: int) -> int:
        # h2 counts all streams for each new one; so many of them cannot be too many.
        ours = remainder == int(bool(self.config.client_side))
        settings = self.remote_settings if ours else self.local_settings
        most = len(self.streams)
        if most < min(settings.max_concurrent_streams, self._sweep_at):
            return most
        count = super()._open_streams(remainder)
        self._sweep_at = 2 * len(self.streams) + SWEEP
        return count

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        if frame.error_code != ErrorCodes.NO_ERROR:
            return super()._receive_goaway_frame(frame)
        event = ConnectionTerminated()
        event.error_code = ErrorCodes.NO_ERROR
        event.last_stream_id = frame.last_stream_id
        return [], [event]
