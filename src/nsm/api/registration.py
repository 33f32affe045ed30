"""Who offers what: the records a registry keeps, and how it is asked for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from nsm.api.labels import Labels
from nsm.api.timestamp import Timestamp


@dataclass(frozen=True, slots=True)
class Destination:
    """Labels an endpoint must have; `weight` is carried and never read, as upstream."""

    destination_selector: Mapping[str, str] = field(default_factory=dict)
    weight: int = 0
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that leads requests with certain labels to endpoints with certain labels."""

    source_selector: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[Destination, ...] = ()
    fallthrough: bool = False
    metadata: Labels | None = None
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class NetworkService:
    """A name that can be asked for, and how its endpoints are chosen."""

    name: str = ""
    payload: str = ""
    matches: tuple[Match, ...] = ()
    path_ids: tuple[str, ...] = ()
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who serves network services (`network_service_names`), with labels for each, and where."""

    name: str = ""
    network_service_names: tuple[str, ...] = ()
    network_service_labels: Mapping[str, Labels] = field(default_factory=dict)
    url: str = ""
    expiration_time: Timestamp | None = None
    initial_registration_time: Timestamp | None = None
    path_ids: tuple[str, ...] = ()
    rest: bytes = b""


R = TypeVar("R", NetworkService, Endpoint)


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """What a found record must be like; with `watch` the answer goes on until the asker leaves."""

    like: R
    watch: bool = False
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer(Generic[R]):
    """A record found, changed, or (`deleted`) gone."""

    record: R
    deleted: bool = False
    rest: bytes = b""
