"""An entry of `services:`, in the spelling of the NetworkService resource."""

from nsm.api.labels import Labels
from nsm.api.registration import Destination, Match, NetworkService
from nsm.values import Value
from nsm.world import spec_words as words


def service(name: str, value: Value) -> NetworkService:
    """A network service; one with nothing said of it has payload IP and no matches."""
    if not words.SERVICE.fullmatch(name) or len(name) > words.MAX_SERVICE:
        value.wrong(f"{name[:80]!r} is no service's name", "use letters, digits, dots and hyphens")
    if value.kind == "nothing":
        return NetworkService(name, "IP")
    fields = value.fields("payload", "matches")
    return NetworkService(
        name=name,
        payload=fields.read("payload", lambda value: value.choose("IP", "ETHERNET"), "IP"),
        matches=fields.read("matches", _matches, ()),
    )


def _matches(value: Value) -> tuple[Match, ...]:
    return tuple(_match(item) for item in value.items("a list of matches"))


def _match(value: Value) -> Match:
    fields = value.fields("source_selector", "routes", "fallthrough", "metadata")
    fields.need("routes", "routes: [{destination_selector: {app: my-app}}]")
    return Match(
        source_selector=fields.read("source_selector", words.selector, {}),
        routes=fields.read("routes", _routes, ()),
        fallthrough=fields.read("fallthrough", Value.flag, False),
        metadata=fields.read("metadata", _metadata, None),
    )


def _metadata(value: Value) -> Labels | None:
    labels: dict[str, str] = value.fields("labels").read("labels", words.selector, {})
    return Labels(labels)


def _routes(value: Value) -> tuple[Destination, ...]:
    return tuple(_route(item) for item in value.items("a list of routes"))


def _route(value: Value) -> Destination:
    fields = value.fields("destination_selector", "weight")
    return Destination(
        destination_selector=fields.read("destination_selector", words.selector, {}),
        weight=fields.read("weight", lambda value: value.number(0, 2**32 - 1), 0),
    )
