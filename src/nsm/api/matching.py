"""Which records and connections fit which wishes: labels, selectors, templates, queries.

The rules are upstream's, W §1.8 (monitor selectors), §1.9 (queries) and §2.1 (matches), including
the order in which they are tried.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from nsm.api.connection import Connection, Segment
from nsm.api.labels import Labels
from nsm.api.monitoring import Selector
from nsm.api.registration import Destination, Endpoint, Match, NetworkService, R

Some = Mapping[str, str]

POINT_TO_POINT = {"p2p": "true"}
"""What a forwarder must be where a match does not say."""

_ACTION = re.compile(
    r"""\{\{\s*(?:\.(?P<field>[^\W\d]\w*)|index\s+\.\s+(?:"(?P<key>[^"\\]*)"|`(?P<raw>[^`]*)`))\s*\}\}"""
)


def contains(labels: Some, selector: Some) -> bool:
    """Whether the labels have all that the selector names; an empty selector names nothing."""
    return selector.items() <= labels.items()


def render(value: str, labels: Some) -> str:
    """Text with `{{.key}}` and `{{index . "key"}}` filled in; any other template stays as it is."""
    if "{{" not in value:
        return value
    text, actions = _ACTION.subn(lambda action: _filled(action, labels), value)
    return text if actions == value.count("{{") else value


def candidates(
    service: NetworkService, labels: Some, endpoints: Sequence[Endpoint]
) -> tuple[Endpoint, ...]:
    """The endpoints that a request with these labels may be led to, in the order of the routes."""
    if not service.matches:
        return tuple(endpoints)
    for match in _applying(service, labels):
        found = _routed(match, service.name, labels, endpoints)
        if found or not match.fallthrough:
            everyone = match.metadata is not None and not match.routes
            return tuple(endpoints) if everyone else found
    return ()


def forwarders(
    service: NetworkService, labels: Some, endpoints: Sequence[Endpoint], group: str
) -> tuple[Endpoint, ...]:
    """The forwarders, registered under the service `group`, that may carry `service`."""
    if not service.matches:
        return tuple(endpoints)
    for match in _applying(service, labels):
        wanted = match.metadata or POINT_TO_POINT
        found = tuple(e for e in endpoints if contains(labels_of(e, group), wanted))
        if found or not match.fallthrough:
            return found
    return ()


def labels_of(endpoint: Endpoint, service: str) -> Some:
    """The labels under which an endpoint serves a service."""
    return endpoint.network_service_labels.get(service, Labels())


def is_like(record: R, like: R) -> bool:
    """Whether a record answers a query for `like`; what `like` leaves empty is not asked."""
    if like.name and like.name != record.name:
        return False
    if isinstance(record, Endpoint) and isinstance(like, Endpoint):
        return _serves(record, like) and _stands(record, like)
    if isinstance(record, NetworkService) and isinstance(like, NetworkService):
        payload = not like.payload or like.payload == record.payload
        return payload and (not like.matches or like.matches == record.matches)
    return False


def is_selected(conn: Connection, selector: Selector) -> bool:
    """Whether an observer wants to hear of this connection: by service, by a run of its hops."""
    services = selector.network_services
    if services and conn.network_service not in services:
        return False
    return not selector.path_segments or _has_run(conn.hops.segments, selector.path_segments)


def _filled(action: re.Match[str], labels: Some) -> str:
    field = action["field"]
    if field is not None:
        return labels.get(field, "<no value>")  # as Go says it; no label is written so
    return labels.get(action["key"] or action["raw"] or "", "")


def _applying(service: NetworkService, labels: Some) -> Iterable[Match]:
    return (match for match in service.matches if contains(labels, match.source_selector))


def _routed(
    match: Match, service: str, labels: Some, endpoints: Sequence[Endpoint]
) -> tuple[Endpoint, ...]:
    found = (e for route in match.routes for e in endpoints if _leads(route, e, service, labels))
    return tuple({endpoint.name: endpoint for endpoint in found}.values())


def _leads(route: Destination, endpoint: Endpoint, service: str, labels: Some) -> bool:
    has = labels_of(endpoint, service)
    return all(
        key in has and has[key] in (value, render(value, labels))
        for key, value in route.destination_selector.items()
    )


def _serves(record: Endpoint, like: Endpoint) -> bool:
    for service, labels in like.network_service_labels.items():
        offered = record.network_service_labels.get(service)
        if offered is None or not contains(offered, labels):
            return False
    return set(like.network_service_names) <= set(record.network_service_names)


def _stands(record: Endpoint, like: Endpoint) -> bool:
    if like.url not in record.url:
        return False
    wanted, until = like.expiration_time, record.expiration_time
    return wanted is None or (until is not None and until.seconds == wanted.seconds)


def _has_run(segments: Sequence[Segment], wanted: Sequence[Segment]) -> bool:
    starts = range(len(segments) - len(wanted) + 1)
    return any(all(map(_fits, segments[start:], wanted)) for start in starts)


def _fits(segment: Segment, wanted: Segment) -> bool:
    return (
        wanted.name in ("", segment.name)
        and wanted.id in ("", segment.id)
        and wanted.token in ("", segment.token)
    )
