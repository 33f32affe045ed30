"""Records by name, found at once by name or by service."""

from collections.abc import Iterable, Iterator
from typing import Generic

from nsm.api.registration import Answer, Endpoint, R
from nsm.elements.registry.matching import is_like
from nsm.errors import Exhausted


def services_of(record: R) -> tuple[str, ...]:
    """The services an endpoint serves; a service serves none."""
    return record.network_service_names if isinstance(record, Endpoint) else ()


def is_foreign(record: R) -> bool:
    """Whether it belongs to another domain, so that its registry is not ours."""
    return any("@" in name for name in (record.name, *services_of(record)))


def _spoken_of(record: R) -> set[str]:
    """The services a record, or a query, names or labels."""
    if not isinstance(record, Endpoint):
        return set()
    return {*record.network_service_names, *record.network_service_labels}


class Catalog(Generic[R]):
    """At most so many records, each kept as the one answer that everyone who asks is given."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._by_name: dict[str, Answer[R]] = {}
        self._by_service: dict[str, dict[str, Answer[R]]] = {}

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[R]:
        return (answer.record for answer in self._by_name.values())

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def holds(self, record: R) -> bool:
        """Whether this very record stands, and no later one of its name."""
        answer = self._by_name.get(record.name)
        return answer is not None and answer.record is record

    def admit(self, name: str) -> None:
        """Exhausted when there is no room for a record of this name."""
        if name not in self._by_name and len(self) >= self.most:
            raise Exhausted(f"this registry holds {self.most} records and takes no more")

    def put(self, record: R) -> Answer[R]:
        """Keep `record` in place of an earlier one of its name."""
        answer = Answer(record)
        if before := self._by_name.get(record.name):
            self._forget(record.name, _spoken_of(before.record) - _spoken_of(record))
        self._by_name[record.name] = answer
        for service in _spoken_of(record):
            self._by_service.setdefault(service, {})[record.name] = answer
        return answer

    def drop(self, name: str) -> Answer[R] | None:
        """Forget a name; the answer is what was kept, marked as deleted."""
        if not (answer := self._by_name.pop(name, None)):
            return None
        self._forget(name, _spoken_of(answer.record))
        return Answer(answer.record, deleted=True)

    def like(self, wanted: R) -> list[Answer[R]]:
        """Everything that answers a query for `wanted`, the longest registered first."""
        return [answer for answer in self._among(wanted) if is_like(answer.record, wanted)]

    def _among(self, wanted: R) -> Iterable[Answer[R]]:
        if wanted.name:
            found = self._by_name.get(wanted.name)
            return (found,) if found else ()
        groups = [self._by_service.get(name, {}) for name in _spoken_of(wanted)]
        return min(groups, key=len, default=self._by_name).values()

    def _forget(self, name: str, services: Iterable[str]) -> None:
        for service in services:
            group = self._by_service.get(service, {})
            group.pop(name, None)
            if not group:
                self._by_service.pop(service, None)
