"""Failures as headers and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import BY_STATUS, Denied, NsmError, TooLate
from nsm.rpc.status import LONGEST, as_failure, failure_in, failure_of_answer, trailers_for

TEXT = st.text(max_size=300)


@given(st.sampled_from(sorted(BY_STATUS)), TEXT.filter(bool), TEXT, TEXT)
def test_a_failure_survives_the_wire(status, cause, hop, fix):
    sent = trailers_for(BY_STATUS[status](cause, hop=hop, fix=fix), "")
    assert all(value.isascii() and value.isprintable() for _, value in sent)
    came = failure_in(dict(sent))
    assert type(came) is BY_STATUS[status]
    assert [came.cause, came.hop, came.fix] == [cause, hop, fix]


def test_a_failure_that_does_not_say_where_happened_here():
    assert failure_in(dict(trailers_for(Denied("no"), "us"))).hop == "us"
    assert failure_in(dict(trailers_for(Denied("no", hop="them"), "us"))).hop == "them"


def test_a_long_story_is_cut():
    assert len(failure_in(dict(trailers_for(Denied("x" * 100_000), ""))).cause) == LONGEST


def test_no_failure_is_none():
    assert failure_in({"grpc-status": "0"}) is None


@pytest.mark.parametrize("code", ["", "-1", "17", "x", "0x0", "9" * 10_000, None])
def test_a_status_that_is_none_is_unknown(code):
    headers = {} if code is None else {"grpc-status": code}
    assert failure_in(headers).status == "UNKNOWN"


@pytest.mark.parametrize(("code", "name"), [("6", "ALREADY_EXISTS"), ("10", "ABORTED")])
def test_a_status_we_never_send_keeps_its_name(code, name):
    error = failure_in({"grpc-status": code, "grpc-message": "why"})
    assert (error.status, error.cause) == ("UNKNOWN", f"{name}: why")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({":status": "503"}, "UNAVAILABLE"),
        ({":status": "404"}, "UNIMPLEMENTED"),
        ({":status": "418"}, "UNKNOWN"),
        ({}, "UNKNOWN"),
        ({":status": "200", "content-type": "text/html"}, "UNKNOWN"),
        (
            {":status": "200", "content-type": "application/grpc", "grpc-encoding": "gzip"},
            "UNKNOWN",
        ),
    ],
)
def test_an_answer_that_is_not_grpc_is_a_failure(headers, status):
    assert failure_of_answer(headers).status == status


def test_an_answer_that_is_grpc_is_none():
    assert failure_of_answer({":status": "200", "content-type": "application/grpc+proto"}) is None


def test_only_what_a_peer_may_hear_is_told():
    assert isinstance(as_failure(TimeoutError()), TooLate)
    assert as_failure(RuntimeError("secret")) is None
    error = NsmError("plain")
    assert as_failure(error) is error
