"""When a record is what a query asks for (W §1.9)."""

from nsm.api.registration import Endpoint, NetworkService, R


def is_like(record: R, wanted: R) -> bool:
    """Whether `record` answers a query for `wanted`; what `wanted` leaves empty is not asked."""
    if wanted.name and wanted.name != record.name:
        return False
    if isinstance(record, Endpoint) and isinstance(wanted, Endpoint):
        return _serves(record, wanted) and _stands(record, wanted)
    if isinstance(record, NetworkService) and isinstance(wanted, NetworkService):
        payload = not wanted.payload or wanted.payload == record.payload
        return payload and (not wanted.matches or wanted.matches == record.matches)
    return False


def _serves(record: Endpoint, wanted: Endpoint) -> bool:
    for service, labels in wanted.network_service_labels.items():
        offered = record.network_service_labels.get(service)
        if offered is None or not labels.items() <= offered.items():
            return False
    names, offered_names = wanted.network_service_names, record.network_service_names
    if len(names) > 1:
        return set(names) <= set(offered_names)
    return not names or names[0] in offered_names


def _stands(record: Endpoint, wanted: Endpoint) -> bool:
    if wanted.url and wanted.url not in record.url:
        return False
    if wanted.expiration_time is None:
        return True
    until = record.expiration_time
    return until is not None and until.seconds == wanted.expiration_time.seconds
