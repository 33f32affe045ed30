"""What policies are shown."""

from dataclasses import dataclass, replace

from nsm.api.connection import Path, Segment
from nsm.identity import evidence
from nsm.identity.fake import PlainTokens
from nsm.sdk import Call, Clock, Life, Peer
from nsm.sdk.call import TokenPath

PATH = Path(1, tuple(Segment(name=n, token=f"token-{n}") for n in "abcd"))
PEER = Peer("spiffe://test/a")


@dataclass
class FakeChannel:
    peer: Peer


def test_an_asker_is_judged_by_what_led_here_and_an_answerer_by_everything() -> None:
    assert evidence.of_asker(PATH, PEER, 5).tokens == ("token-a", "token-b")
    assert evidence.of_answerer(PATH, PEER, 5).tokens == tuple(f"token-{n}" for n in "abcd")


def test_tokens_of_registrations_are_cut_the_same_way() -> None:
    tokens, resource = TokenPath(1, ["a", "b", "c"]), evidence.Resource("name", "by")
    assert evidence.of_registrant(tokens, PEER, 5, resource).tokens == ("a", "b")
    assert evidence.of_registrar(tokens, PEER, 5, resource).tokens == ("a", "b", "c")
    assert evidence.of_registrant(None, PEER, 5, resource).tokens == ()


def test_the_registrant_is_whom_the_first_token_names() -> None:
    token = PlainTokens("spiffe://test/web", Clock()).issue(None).text
    assert evidence.registrant(TokenPath(0, [token, "x"])) == "spiffe://test/web"
    assert evidence.registrant(TokenPath(0, ["garbage"])) == ""
    assert evidence.registrant(TokenPath()) == evidence.registrant(None) == ""


def test_the_answerer_is_at_the_end_of_the_channel() -> None:
    life = Life(lambda: None, lambda: None, lambda _: None, channel=FakeChannel(PEER))
    assert evidence.answerer(Call()) is None
    assert evidence.answerer(Call(channel=FakeChannel(PEER))) == PEER
    assert evidence.answerer(Call().within(life)) == PEER
    assert evidence.answerer(Call().within(replace(life, channel=None))) is None


def test_evidence_shows_no_tokens() -> None:
    assert "token-a" not in repr(evidence.of_asker(PATH, PEER, 5))
