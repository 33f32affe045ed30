"""An authority's roots over time, and what it issues."""

import asyncio

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from nsm.errors import Invalid
from nsm.identity.authority import HOUR, MOST_ROOTS, WEEK, Authority
from nsm.identity.leaf import read_leaf
from nsm.identity.spiffe import SpiffeId
from nsm.sdk import Clock
from nsm.sdk.clock import LoopClock

WEB = SpiffeId.parse("spiffe://test/ns/x/web")
pytestmark = pytest.mark.looptime


def signer(authority: Authority) -> bytes:
    leaf, intermediate = map(x509.load_der_x509_certificate, authority.issue(WEB).chain)
    leaf.verify_directly_issued_by(intermediate)
    for root in authority.roots:
        try:
            intermediate.verify_directly_issued_by(root.certificate)
        except Exception:
            continue
        return root.der
    raise AssertionError("signed by no root")


async def test_an_svid_looks_like_spires() -> None:
    aging = Authority("test", LoopClock())
    svid = aging.issue(WEB, "hint")
    leaf = x509.load_der_x509_certificate(svid.leaf)
    now = aging._clock.now()
    assert read_leaf(svid.leaf).id == svid.id == WEB
    assert leaf.not_valid_before_utc.timestamp() == now - 10
    assert leaf.not_valid_after_utc.timestamp() == now + HOUR == svid.not_after
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert svid.hint == "hint"


async def test_it_names_members_of_its_own_domain_only() -> None:
    aging = Authority("test", LoopClock())
    for other in ("spiffe://other/x", "spiffe://test"):
        with pytest.raises(Invalid, match="no member"):
            aging.issue(SpiffeId.parse(other))


async def test_the_next_root_is_known_before_it_signs() -> None:
    aging = Authority("test", LoopClock())
    (old,) = aging.bundles.anchors["test"]
    await asyncio.sleep(WEEK / 2 - 1)
    assert not aging.renew()
    await asyncio.sleep(2)
    assert aging.renew()
    assert not aging.renew()
    assert aging.bundles.anchors["test"][0] == old
    new = aging.bundles.anchors["test"][1]
    assert signer(aging) == old
    await asyncio.sleep(aging.settling)
    assert signer(aging) == new
    assert old in aging.bundles.anchors["test"]


async def test_a_root_stays_known_to_its_end_and_then_goes() -> None:
    aging = Authority("test", LoopClock())
    (old,) = aging.roots
    await asyncio.sleep(WEEK / 2 + 1)
    aging.renew()
    await asyncio.sleep(WEEK / 2 - 2)
    assert not aging.renew()
    assert old in aging.roots
    await asyncio.sleep(2)
    assert aging.renew()
    assert old not in aging.roots


async def test_years_pass_and_there_is_always_a_root() -> None:
    aging = Authority("test", LoopClock())
    for _ in range(100):
        await asyncio.sleep(WEEK / 7)
        aging.renew()
        assert len(aging.roots) <= 3
        assert aging.issue(WEB).not_after >= aging._clock.now() + HOUR - 1


async def test_no_leaf_outlives_its_root() -> None:
    authority = Authority("test", LoopClock(), leaf_lifetime=100, root_lifetime=400)
    await asyncio.sleep(390)
    assert authority.issue(WEB).not_after == authority.roots[0].not_after


async def test_a_rotation_on_demand_settles_like_any_other() -> None:
    aging = Authority("test", LoopClock())
    count = aging.changes.count
    await asyncio.sleep(100)
    aging.rotate()
    assert aging.changes.count == count + 1
    assert signer(aging) == aging.roots[0].der
    await asyncio.sleep(aging.settling)
    assert signer(aging) == aging.roots[1].der


async def test_an_intermediate_signs_for_a_while_and_no_leaf_outlives_it() -> None:
    aging = Authority("test", LoopClock())
    intermediates = set()
    for _ in range(7 * 24):
        svid = aging.issue(WEB)
        intermediate = x509.load_der_x509_certificate(svid.chain[1])
        assert svid.not_after == aging._clock.now() + HOUR
        assert svid.not_after <= intermediate.not_valid_after_utc.timestamp()
        intermediates.add(svid.chain[1])
        await asyncio.sleep(HOUR)
        aging.renew()
    assert len(intermediates) in (14, 15)  # two a day, and one more for the new root


async def test_an_intermediate_signs_leaves_only() -> None:
    made = Authority("test", LoopClock()).issuing.certificate
    limits = made.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)


async def test_an_intermediate_is_rotated_under_the_root_there_is_and_all_get_a_new_leaf() -> None:
    aging = Authority("test", LoopClock())
    before, count = aging.issue(WEB).chain[1], aging.reissued
    assert aging.issue(WEB).chain[1] == before
    aging.rotate_intermediate()
    assert aging.issue(WEB).chain[1] != before
    assert aging.reissued == count + 1
    assert signer(aging) == aging.roots[0].der


async def test_rotations_without_end_are_refused() -> None:
    aging = Authority("test", LoopClock())
    for _ in range(MOST_ROOTS - 1):
        aging.rotate()
    with pytest.raises(Invalid, match="too often"):
        aging.rotate()


async def test_roots_kept_from_an_earlier_life_go_on() -> None:
    aging = Authority("test", LoopClock())
    again = Authority("test", aging._clock, aging.roots)
    assert again.roots == aging.roots
    assert Authority("test", LoopClock(start=2e9), aging.roots).roots != aging.roots


def test_a_root_must_live_much_longer_than_a_leaf() -> None:
    with pytest.raises(Invalid):
        Authority("test", Clock(), leaf_lifetime=100, root_lifetime=399)
    with pytest.raises(Invalid):
        Authority("Not a domain", Clock())
