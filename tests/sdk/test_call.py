import pytest

from nsm.api.timestamp import Timestamp
from nsm.sdk import Call, Life, Peer, Slot, Token
from nsm.sdk.call import TokenPath


def life() -> Life:
    async def again(change: object) -> None:
        return None

    return Life(lambda: None, lambda: None, again)


def test_without_a_life_a_call_says_where_to_place_the_element() -> None:
    assert not Call().begun
    with pytest.raises(LookupError, match="after Begin"):
        Slot[int]().put(Call(), 1)


def test_a_slot_belongs_to_one_owner_and_one_life() -> None:
    mine, other, call = Slot[int](), Slot[int](), Call().within(life())
    mine.put(call, 1)
    assert (mine.get(call), other.get(call), mine.get(Call().within(life()))) == (1, None, None)


def test_what_is_taken_from_a_slot_is_gone() -> None:
    slot, call = Slot[int](), Call().within(life())
    slot.put(call, 0)
    assert (slot.take(call), slot.take(call)) == (0, None)


def test_a_call_sent_elsewhere_is_the_same_call() -> None:
    call = Call(peer=Peer("p"), deadline=7.0).within(life())
    assert call.towards("tcp://x") == Call(
        peer=Peer("p"), deadline=7.0, to="tcp://x", _life=call.life
    )


def test_no_secret_is_in_what_is_printed() -> None:
    call = Call(
        peer=Peer("p", leaf=b"secret"),
        token=Token("secret", Timestamp(1)),
        tokens=TokenPath(0, ["secret"]),
    )
    assert "secret" not in repr(call)
