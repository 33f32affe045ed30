"""Certificates end to end."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Invalid
from nsm.identity import der
from nsm.identity.authority import Authority


def test_certificates_end_to_end_come_apart_again(authority: Authority) -> None:
    authority.rotate()
    one, other = (root.der for root in authority.roots)
    assert der.split(one + other) == (one, other)
    assert der.split(b"") == ()


def test_a_certificate_cut_short_is_refused(authority: Authority) -> None:
    whole = authority.roots[0].der
    for length in (1, 4, 5, len(whole) - 1):
        with pytest.raises(Invalid):
            der.split(whole[:length])


def test_more_certificates_than_anyone_needs_are_refused(authority: Authority) -> None:
    with pytest.raises(Invalid):
        der.split(authority.roots[0].der * (der.MAX_CERTIFICATES + 1))


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_be_refused(data: bytes) -> None:
    with contextlib.suppress(Invalid):
        assert b"".join(der.split(data)) == data


def test_a_length_beyond_reason_is_refused() -> None:
    with pytest.raises(Invalid):
        der.split(b"\x30\x84\xff\xff\xff\xff" + b"x" * 10)
    with pytest.raises(Invalid):
        der.split(b"\x30\x83\xff\xff\xff" + b"x" * 10)
