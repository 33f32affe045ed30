"""Records by name, found at once by name or by service."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.labels import Labels
from nsm.api.registration import Endpoint
from nsm.elements.registry.catalog import Catalog
from nsm.elements.registry.matching import is_like
from nsm.errors import Exhausted

NAMES = st.sampled_from(["a", "b", "c", "d"])
SERVICES = st.lists(st.sampled_from(["x", "y", "z"]), max_size=3).map(tuple)
LABELS = st.dictionaries(
    st.sampled_from(["x", "y", "z"]),
    st.dictionaries(st.sampled_from("kl"), st.sampled_from("vw"), max_size=2).map(Labels),
    max_size=2,
)


def records(names: st.SearchStrategy[str]) -> st.SearchStrategy[Endpoint]:
    return st.builds(
        Endpoint, name=names, network_service_names=SERVICES, network_service_labels=LABELS
    )


RECORDS = records(NAMES)
STEPS = st.lists(st.tuples(st.booleans(), RECORDS), max_size=30)


@given(STEPS, records(NAMES | st.just("")))
def test_an_index_finds_what_looking_at_everything_would(
    steps: list[tuple[bool, Endpoint]], wanted: Endpoint
) -> None:
    catalog, plain = Catalog[Endpoint](100), dict[str, Endpoint]()
    for keep, record in steps:
        if keep:
            catalog.put(record)
            plain[record.name] = record
        else:
            catalog.drop(record.name)
            plain.pop(record.name, None)
    found = [answer.record for answer in catalog.like(wanted)]
    assert {r.name: r for r in found} == {n: r for n, r in plain.items() if is_like(r, wanted)}
    assert len(catalog) == len(plain)


@given(STEPS)
def test_nothing_is_left_of_what_is_gone(steps: list[tuple[bool, Endpoint]]) -> None:
    catalog = Catalog[Endpoint](100)
    for _, record in steps:
        catalog.put(record)
    for _, record in steps:
        catalog.drop(record.name)
    assert not len(catalog)
    assert not catalog._by_service


def test_what_is_dropped_is_answered_as_it_was_kept() -> None:
    catalog = Catalog[Endpoint](1)
    kept = catalog.put(Endpoint(name="a", url="u"))
    gone = catalog.drop("a")
    assert gone is not None
    assert gone.deleted
    assert gone.record is kept.record
    assert catalog.drop("a") is None


def test_a_full_catalog_takes_known_names_only() -> None:
    catalog = Catalog[Endpoint](1)
    catalog.put(Endpoint(name="a"))
    catalog.admit("a")
    with pytest.raises(Exhausted):
        catalog.admit("b")
