"""VXLAN network identifiers of one node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.mechanism import REMOTE, VXLAN, Mechanism
from nsm.elements.mechanism.vnis import TRIES, Vnis
from nsm.errors import Exhausted

UP = Mechanism(REMOTE, VXLAN, {"src_ip": "10.0.0.1", "dst_ip": "10.0.0.2"})
DOWN = Mechanism(REMOTE, VXLAN, {"src_ip": "10.0.0.2", "dst_ip": "10.0.0.1"})


@given(st.lists(st.sampled_from([UP, DOWN]), max_size=50))
def test_no_two_connections_share_one_and_directions_differ_in_parity(tunnels) -> None:
    vnis = Vnis()
    given_out = [vnis.take(str(n), tunnel) for n, tunnel in enumerate(tunnels)]
    assert len(set(given_out)) == len(given_out)
    assert [number % 2 for number in given_out] == [int(tunnel is DOWN) for tunnel in tunnels]
    assert all(0 < number < 1 << 24 for number in given_out)


def test_a_wanted_one_is_kept_while_it_is_free() -> None:
    vnis = Vnis()
    assert vnis.take("a", UP, wanted=7) == 7
    assert vnis.take("b", UP, wanted=7) != 7
    vnis.free("a")
    assert vnis.take("c", UP, wanted=7) == 7


def test_taking_again_gives_the_old_one_back() -> None:
    vnis = Vnis()
    vnis.take("a", UP, wanted=7)
    vnis.take("a", UP, wanted=9)
    assert vnis.of("a") == 9
    assert vnis.taken == {9}
    vnis.free("a")
    vnis.free("a")
    assert vnis.of("a") == 0
    assert not vnis.taken


def test_zero_is_never_given_and_a_full_space_is_said_to_be() -> None:
    drawn = iter([0, 4])
    assert Vnis(lambda _bits: next(drawn)).take("a", UP) == 8
    with pytest.raises(Exhausted, match=str(TRIES)):
        Vnis(lambda _bits: 0).take("a", UP)
