"""Header blocks, against hpack's own encoder and decoder."""

import pytest
from hpack import Decoder, Encoder, HPACKError, NeverIndexedHeaderTuple
from hypothesis import given
from hypothesis import strategies as st

from nsm.rpc.headers import RememberingDecoder, RememberingEncoder

NAME = st.sampled_from([b":path", b":method", b"te", b"x-a", b"x-b", b"grpc-status"])
VALUE = (
    st.binary(max_size=40) | st.sampled_from([b"POST", b"0", b"trailers"]) | st.just(b"v" * 3000)
)
HEADER = st.tuples(NAME, VALUE) | st.builds(NeverIndexedHeaderTuple, NAME, VALUE)
BLOCKS = st.lists(st.lists(HEADER, max_size=5), max_size=12)


def lasting_first(headers):
    return sorted(headers, key=lambda h: isinstance(h, NeverIndexedHeaderTuple))


def twice(blocks):
    return [block for block in blocks for _ in range(2)]


@given(BLOCKS)
def test_any_peer_reads_what_we_write(blocks):
    ours, theirs = RememberingEncoder(), Decoder()
    for block in twice(blocks):
        got = theirs.decode(ours.encode(block), raw=True)
        assert [tuple(h) for h in got] == [tuple(h) for h in lasting_first(block)]


@given(BLOCKS, st.booleans())
def test_we_read_what_any_peer_writes(blocks, huffman):
    theirs, ours = Encoder(), RememberingDecoder()
    for block in twice(blocks):
        got = ours.decode(theirs.encode(block, huffman), raw=True)
        assert [tuple(h) for h in got] == [tuple(h) for h in block]


@given(BLOCKS, st.lists(st.integers(0, 4096), min_size=1, max_size=4))
def test_the_peers_table_may_shrink_and_grow(blocks, sizes):
    ours, theirs = RememberingEncoder(), Decoder()
    for number, block in enumerate(twice(blocks)):
        ours.header_table_size = sizes[number % len(sizes)]
        got = theirs.decode(ours.encode(block), raw=True)
        assert [tuple(h) for h in got] == [tuple(h) for h in lasting_first(block)]


def test_entries_that_push_each_other_out_are_not_mistaken_for_rest():
    large = b"v" * 3000
    blocks = [[(b"te", large)], [(b"grpc-status", large), (b":path", large), (b"x-a", b"POST")]]
    ours, theirs = RememberingEncoder(), Decoder()
    for block in blocks * 50:
        assert [tuple(h) for h in theirs.decode(ours.encode(block), raw=True)] == block


def test_a_block_that_comes_again_is_known():
    encoder, decoder = RememberingEncoder(), RememberingDecoder()
    headers = [(b":status", b"200"), (b"content-type", b"application/grpc")]
    for _ in range(3):
        assert [tuple(h) for h in decoder.decode(encoder.encode(headers), raw=True)] == headers
    assert len(encoder._known) == len(decoder._known) == 1


def test_what_is_never_indexed_stays_out_of_every_table():
    encoder, decoder = RememberingEncoder(), RememberingDecoder()
    secret = NeverIndexedHeaderTuple(b"nsm-client-token", b"t" * 500)
    (got,) = decoder.decode(encoder.encode([secret]), raw=True)
    assert isinstance(got, NeverIndexedHeaderTuple)
    assert not encoder.header_table.dynamic_entries
    assert not decoder.header_table.dynamic_entries


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_noise_is_refused_by_hpacks_own_error_and_read_no_otherwise(blocks):
    ours, theirs = RememberingDecoder(), Decoder()
    for block in twice(blocks):
        try:
            expected = theirs.decode(block, raw=True)
        except HPACKError:
            with pytest.raises(HPACKError):
                ours.decode(block, raw=True)
            return
        assert list(ours.decode(block, raw=True)) == list(expected)
