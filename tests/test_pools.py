from ipaddress import collapse_addresses, ip_address, ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nsm.errors import Exhausted
from nsm.pools import AddressPool, NumberPool, Occupied, Prefixes
from nsm.pools.ranges import Ranges


def pool(*prefixes: str) -> AddressPool:
    return AddressPool(ip_network(prefix, strict=False) for prefix in prefixes)


def networks(*prefixes: str) -> list[object]:
    return [ip_network(prefix) for prefix in prefixes]


def pairs(from_: AddressPool, count: int, *excluding: str) -> list[tuple[str, str]]:
    taken = (from_.take_pair(networks(*excluding)) for _ in range(count))
    return [(str(first), str(second)) for first, second in taken]


def test_pairs_come_lowest_first_and_the_network_address_is_one_of_them() -> None:
    addresses = pool("192.168.3.4/16")
    assert pairs(addresses, 2) == [
        ("192.168.0.0", "192.168.0.1"),
        ("192.168.0.2", "192.168.0.3"),
    ]


def test_a_pair_given_back_is_the_next_one_handed_out() -> None:
    addresses = pool("192.168.3.4/16")
    first, *_ = pairs(addresses, 2)
    addresses.give_back(*map(ip_address, first))
    assert pairs(addresses, 2) == [first, ("192.168.0.4", "192.168.0.5")]


def test_pairs_of_ipv6_are_no_different() -> None:
    addresses = pool("fe80::/64")
    assert pairs(addresses, 2) == [("fe80::", "fe80::1"), ("fe80::2", "fe80::3")]


def test_excluded_addresses_are_passed_over() -> None:
    excluded = ("192.168.1.1/32", "192.168.1.3/32", "192.168.1.6/32")
    assert pairs(pool("192.168.1.0/24"), 3, *excluded) == [
        ("192.168.1.0", "192.168.1.2"),
        ("192.168.1.4", "192.168.1.5"),
        ("192.168.1.7", "192.168.1.8"),
    ]


def test_a_newly_excluded_block_is_passed_over() -> None:
    assert pairs(pool("192.168.0.0/16"), 1, "192.168.0.0/30") == [("192.168.0.4", "192.168.0.5")]


@pytest.mark.parametrize("prefix", ["10.0.0.0/31", "fe80::/127"])
def test_two_addresses_are_exactly_one_pair(prefix: str) -> None:
    addresses = pool(prefix)
    pairs(addresses, 1)
    with pytest.raises(Exhausted, match=prefix):
        addresses.take_pair()


@pytest.mark.parametrize("excluding", [["10.0.0.0/8"], ["10.0.0.0/31", "10.0.0.2/31"]])
def test_a_pool_that_is_all_excluded_is_exhausted(excluding: list[str]) -> None:
    with pytest.raises(Exhausted):
        pool("10.0.0.0/30").take(networks(*excluding))


def test_a_pool_of_nothing_is_exhausted() -> None:
    with pytest.raises(Exhausted):
        pool().take()


def test_half_a_pair_is_not_kept() -> None:
    addresses = pool("10.0.0.0/32")
    with pytest.raises(Exhausted):
        addresses.take_pair()
    assert str(addresses.take()) == "10.0.0.0"


def test_the_second_prefix_is_used_when_the_first_is_full() -> None:
    addresses = pool("10.1.0.0/31", "10.0.0.0/31")
    assert pairs(addresses, 2) == [("10.1.0.0", "10.1.0.1"), ("10.0.0.0", "10.0.0.1")]


def test_prefixes_that_overlap_hand_out_each_address_once() -> None:
    addresses = pool("10.0.0.0/31", "10.0.0.0/30")
    assert pairs(addresses, 2) == [("10.0.0.0", "10.0.0.1"), ("10.0.0.2", "10.0.0.3")]
    addresses.give_back(ip_address("10.0.0.0"))
    assert str(addresses.take()) == "10.0.0.0"


def test_very_addresses_are_claimed_where_free_and_all_or_none() -> None:
    addresses = pool("192.168.10.0/24")
    a, b = ip_address("192.168.10.0"), ip_address("192.168.10.1")
    assert addresses.claim(a, b)
    assert not addresses.claim(b, ip_address("192.168.10.2"))
    assert not addresses.claim(ip_address("192.168.10.2"), ip_address("192.168.10.2"))
    assert not addresses.claim(ip_address("10.0.0.1"))
    assert not addresses.claim(ip_address("::1"))
    assert pairs(addresses, 1) == [("192.168.10.2", "192.168.10.3")]


def test_a_pool_knows_what_is_its_own() -> None:
    addresses = pool("10.0.0.0/24")
    taken = addresses.take()
    assert taken in addresses
    assert not addresses.is_free(taken)
    assert addresses.is_free(ip_address("10.0.0.9"))
    assert ip_address("10.0.1.0") not in addresses
    assert ip_address("::a00:9") not in addresses
    assert len(addresses) == 1


def test_what_was_not_handed_out_cannot_be_given_back() -> None:
    addresses = pool("10.0.0.0/31")
    addresses.give_back(ip_address("10.0.0.9"), ip_address("10.0.0.0"), ip_address("::"))
    pairs(addresses, 1)
    with pytest.raises(Exhausted):
        addresses.take()


def test_addresses_of_both_families_do_not_meet() -> None:
    addresses = pool("0.0.0.0/31", "::/127")
    assert (
        pairs(addresses, 2, "::/128")
        if False
        else pairs(addresses, 2)
        == [
            ("0.0.0.0", "0.0.0.1"),
            ("::", "::1"),
        ]
    )
    addresses.give_back(ip_address("::1"))
    assert str(addresses.take()) == "::1"


def test_a_slash_64_costs_nothing() -> None:
    addresses = pool("2001:db8::/64")
    assert str(addresses.take(networks("2001:db8::/65"))) == "2001:db8:0:0:8000::"


class Holding(RuleBasedStateMachine):
    """Whatever is done, no address has two holders and none comes from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.of = networks("10.0.0.4/30", "10.0.0.0/29", "fe80::/126")
        self.pool = AddressPool(self.of)
        self.held: set[object] = set()

    @rule(count=st.integers(1, 3), excluded=st.sampled_from(["10.0.0.1/32", "10.0.0.4/31", "::/0"]))
    def take(self, count: int, excluded: str) -> None:
        without = ip_network(excluded)
        try:
            taken = self.pool.take_all(count, [without])
        except Exhausted:
            return
        assert len(set(taken)) == count
        assert not self.held & set(taken)
        assert not any(address in without for address in taken)
        assert any(all(address in network for address in taken) for network in self.of)
        self.held |= set(taken)

    @rule(last=st.integers(0, 15))
    def claim(self, last: int) -> None:
        address = ip_address(f"10.0.0.{last}")
        assert self.pool.claim(address) == (last < 8 and address not in self.held)
        if last < 8:
            self.held.add(address)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(sorted(self.held, key=str)))
        self.pool.give_back(address)
        self.pool.give_back(address)
        self.held.discard(address)

    @invariant()
    def the_pool_knows(self) -> None:
        assert len(self.pool) == len(self.held)
        assert not any(self.pool.is_free(address) for address in self.held)


TestHolding = Holding.TestCase


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 9))))
def test_ranges_are_the_set_they_stand_for(steps: list[tuple[bool, int, int]]) -> None:
    ranges, plain = Ranges(), set[int]()
    for adding, first, more in steps:
        span = range(first, first + more + 1)
        if adding:
            ranges.add(first, first + more)
            plain |= set(span)
        else:
            ranges.remove(first, first + more)
            plain -= set(span)
        listed = list(ranges)
        assert {n for a, b in listed for n in range(a, b + 1)} == plain
        assert all(one[1] + 1 < two[0] for one, two in pairwise(listed))
        assert {n for n in range(60) if n in ranges} == plain
        assert ranges.lowest() == min(plain, default=None)
        assert ranges.beyond(first) == min(n for n in range(first, 99) if n not in plain)


def test_numbers_come_lowest_first_and_return() -> None:
    numbers = NumberPool(range(1, 4))
    assert [numbers.take() for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Exhausted, match="3 are in use"):
        numbers.take()
    numbers.give_back(2)
    numbers.give_back(2)
    numbers.give_back(9)
    assert (numbers.take(), len(numbers), 2 in numbers, 9 in numbers) == (2, 3, True, False)


def test_numbers_may_go_in_steps_and_pass_some_over() -> None:
    even = NumberPool(range(2, 1 << 24, 2), without=[2, 6, 7])
    assert [even.take() for _ in range(3)] == [4, 8, 10]
    assert not even.claim(6)
    assert not even.claim(5)
    assert even.claim(12)
    assert not even.claim(12)
    assert even.take() == 14


def test_no_numbers_are_no_numbers() -> None:
    with pytest.raises(Exhausted):
        NumberPool(range(0)).take()


def test_prefixes_side_by_side_are_told_as_one_and_apart_again_when_one_is_gone() -> None:
    used = Prefixes(f"10.0.0.{n}/32" for n in range(7))
    used.add(["2001:db8::1/128", "10.96.0.0/12", "10.96.1.0/24"])
    assert list(used.fewest()) == [
        "10.0.0.0/30",
        "10.0.0.4/31",
        "10.0.0.6/32",
        "10.96.0.0/12",
        "2001:db8::1/128",
    ]
    used.remove(["10.0.0.1/32", "10.96.0.0/12"])
    assert list(used.fewest())[:2] == ["10.0.0.0/32", "10.0.0.2/31"]
    assert "10.96.1.0/24" in used
    assert "10.96.0.0/12" not in used


def test_everything_is_one_prefix() -> None:
    assert list(Prefixes(["0.0.0.0/1", "128.0.0.0/1", "::/0"]).fewest()) == ["0.0.0.0/0", "::/0"]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 63), st.integers(26, 32)), max_size=40))
def test_the_fewest_prefixes_cover_what_was_added_and_not_removed(
    steps: list[tuple[bool, int, int]],
) -> None:
    used, counted = Prefixes(), []
    for adds, number, length in steps:
        text = f"{ip_address(number)}/{length}"  # with bits of a host, as addresses have them
        if adds:
            used.add([text])
            counted.append(text)
        elif text in counted:
            list(used.fewest())  # whatever was told before
            used.remove([text])
            counted.remove(text)
    told = [ip_network(prefix) for prefix in used.fewest()]
    assert told == list(collapse_addresses(ip_network(text, strict=False) for text in counted))


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([None, 0, 1]), st.integers(0, 7))))
def test_what_is_in_the_way_is_what_others_occupy_that_are_not_of_ones_group(
    steps: list[tuple[int, int | None, int]],
) -> None:
    occupied = Occupied(2)
    uses: dict[str, tuple[int | None, list[str]]] = {}
    for who, group, number in steps:
        if number == 7:
            occupied.leave(str(who))
            uses.pop(str(who), None)
        else:
            uses[str(who)] = group, [f"10.0.0.{number}/32", "10.0.1.0/24"]
            occupied.occupy(str(who), *uses[str(who)])
    assert sorted(occupied) == sorted(uses)
    for who in map(str, range(6)):
        for mine in (None, 0, 1):
            expected = {
                ip_network(prefix)
                for other, (group, prefixes) in uses.items()
                for prefix in prefixes
                if other != who and (mine is None or group != mine)
            }
            with occupied.others(who, mine) as prefixes:
                told = [ip_network(prefix) for prefix in prefixes.fewest()]
            assert told == list(collapse_addresses(sorted(expected)))
