"""Whom we believe."""

import pytest

from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.bundle import Bundles
from nsm.identity.spiffe import SpiffeId
from nsm.sdk import Clock

WEB = SpiffeId.parse("spiffe://test/ns/x/web")


def test_an_anchor_speaks_for_its_own_domain_only(authority: Authority) -> None:
    evil = Authority("evil", Clock()).roots[0].der
    own = authority.roots[0].der
    bundles = Bundles.parse(WEB, own, {"spiffe://evil": evil})
    assert bundles.vouches(WEB, own)
    assert not bundles.vouches(WEB, evil)
    assert bundles.vouches(SpiffeId("evil", "/x"), evil)
    assert not bundles.vouches(SpiffeId("other", "/x"), own)
    assert set(bundles.anchors) == {"test", "evil"}
    assert len(bundles.pool) == len(own) + len(evil)


def test_a_federated_bundle_does_not_replace_our_own(authority: Authority) -> None:
    evil = Authority("evil", Clock()).roots[0].der
    bundles = Bundles.parse(WEB, authority.roots[0].der, {"test": evil})
    assert not bundles.vouches(WEB, evil)


def test_an_empty_bundle_or_a_misnamed_domain_is_refused(authority: Authority) -> None:
    with pytest.raises(Invalid, match="empty"):
        Bundles.parse(WEB, b"", {})
    with pytest.raises(Invalid, match="no trust domain"):
        Bundles.parse(WEB, authority.roots[0].der, {"spiffe://Evil/": b""})
