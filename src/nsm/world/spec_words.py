"""The words of a world file: names, prefixes, NS-URLs, labels; each read from one value."""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from nsm.api.mechanism import KERNEL
from nsm.api.names import NsUrl, split
from nsm.errors import Invalid
from nsm.values import Value
from nsm.world.ground import UNDERLAY4, UNDERLAY6
from nsm.world.spec import Want

Network = IPv4Network | IPv6Network
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
LABEL_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
LABEL_VALUE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SETTLED = frozenset(
    {"NSM_NAME", "NSM_MESH", "NSM_CONNECT_TO", "NSM_STATUS_SOCKET", "NSM_REGISTER_SERVICE"}
    | {"SPIFFE_ENDPOINT_SOCKET"}
)
"""Variables the world sets itself, so that its parts find each other."""
MAX_NAME, MAX_MESH, MAX_SERVICE = 40, 24, 253
MAX_DOMAIN = 48
"""Socket paths hold a domain's name, and may have 107 bytes."""


def check_name(value: Value, text: str, limit: int = MAX_NAME) -> str | None:
    """`text` when it can name something of the mesh."""
    if not NAME.fullmatch(text):
        value.wrong(
            f"{text[:60]!r} is no name", "use a-z, 0-9 and hyphens, and begin with no hyphen"
        )
    elif len(text) > limit:
        value.wrong(f"{text[:60]!r} has {len(text)} characters", f"use at most {limit}")
    else:
        return text
    return None


def name(value: Value) -> str | None:
    """The name of a node, an endpoint or a workload."""
    text = value.text("a name")
    return None if text is None else check_name(value, text)


def service(value: Value) -> str | None:
    """A service's name, with `@domain` where it is another domain's."""
    text = value.text("the name of a service")
    if text is None:
        return None
    plain, at, domain = text.partition("@")
    if not SERVICE.fullmatch(plain) or len(plain) > MAX_SERVICE:
        value.wrong(f"{text[:80]!r} is no service's name", "use letters, digits, dots and hyphens")
    elif at and not is_domain(domain):
        value.wrong(f"{domain[:80]!r} is no domain", "write service@domain, such as vpn@b.example")
    else:
        return text
    return None


def is_domain(text: str) -> bool:
    """Whether `text` can name a domain."""
    return len(text) <= MAX_DOMAIN and DOMAIN.fullmatch(text) is not None


def wanted(value: Value) -> Want | None:
    """An NS-URL."""
    text = value.text("an NS-URL, such as kernel://my-service/nsm-1")
    if text is None:
        return None
    try:
        url = NsUrl.parse(text, (KERNEL,))
    except Invalid as error:
        value.wrong(error.cause, error.fix or "write kernel://my-service/nsm-1?label=value")
        return None
    if "," in text:
        value.wrong(f"{text[:80]!r} has a comma in it", "write %2C, or a list of NS-URLs")
        return None
    return Want(text, *split(url.service), url.interface)


def prefix(value: Value) -> Network | None:
    """A prefix that endpoints hand addresses out of: at least one pair, and none of our own."""
    text = value.text("a prefix, such as 172.16.1.0/24")
    if text is None:
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        value.wrong(
            f"{text[:60]!r} is no prefix", "write one such as 172.16.1.0/24 or 2001:db8:1::/112"
        )
        return None
    return network if _usable(value, text, network) else None


def _usable(value: Value, text: str, network: Network) -> bool:
    base, slash, _ = text.partition("/")
    if not slash:
        value.wrong(f"{text} has no length", "write a prefix such as 172.16.1.0/24")
    elif ip_address(base) != network.network_address:
        value.wrong(f"{text} has bits set beyond its length", f"write {network}")
    elif network.num_addresses < 2:
        value.wrong(f"{text} holds no pair of addresses", "write one of two addresses or more")
    elif network.is_loopback or network.is_multicast:
        value.wrong(f"{text} can't be given to an interface", "write one such as 172.16.1.0/24")
    elif own(network):
        clear = f"keep clear of {UNDERLAY4} and {UNDERLAY6}"
        value.wrong(f"{text} overlaps the mesh's own addresses", clear)
    else:
        return True
    return False


def own(network: Network) -> bool:
    """Whether a prefix runs into the mesh's own addresses."""
    return network.overlaps(UNDERLAY4 if isinstance(network, IPv4Network) else UNDERLAY6)


def address(value: Value) -> str | None:
    """An IP address."""
    text = value.text("an address")
    try:
        return None if text is None else str(ip_address(text))
    except ValueError:
        value.wrong(f"{text!r} is no address", "write one such as 10.20.0.5")
        return None


def server(value: Value) -> str | None:
    """A name server: an address, or `self`."""
    return "self" if value.text("an address or self") == "self" else address(value)


def host(value: Value) -> str | None:
    """A domain name as name service knows it."""
    text = value.text("a domain name")
    if text is None or (len(text) <= 253 and DOMAIN.fullmatch(text.lower())):
        return text
    value.wrong(f"{text[:80]!r} is no domain name", "write one such as corp.example")
    return None


def mapping(value: Value, what: str, good: Callable[[Value, str, str], bool]) -> dict[str, str]:
    """Text by text, each pair passed by `good`."""
    found = {}
    for key, item in value.entries(what):
        text = item.word(f"the text for {key}")
        if text is not None and good(item, key, text):
            found[key] = text
    return found


def labels(value: Value) -> dict[str, str]:
    """Labels of an endpoint."""

    def good(item: Value, key: str, text: str) -> bool:
        if LABEL_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(text) and len(key + text) <= 253:
            return True
        item.wrong("no label", "use letters, digits, dots, hyphens and underscores")
        return False

    return mapping(value, "labels, such as {app: web}", good)


def selector(value: Value) -> dict[str, str]:
    """Labels to choose by; values may be templates."""
    return mapping(value, "labels to choose by, such as {app: web}", lambda *_: True)


def variables(value: Value) -> dict[str, str]:
    """Variables of a program's environment."""

    def good(item: Value, key: str, text: str) -> bool:
        if not VARIABLE.fullmatch(key) or "\0" in text:
            item.wrong(f"{key[:40]!r} is no variable", "write one such as NSM_IDLE_TIMEOUT: 30s")
        elif key in SETTLED:
            item.wrong("the world sets this one itself", "leave it out")
        else:
            return True
        return False

    return mapping(value, "variables, such as {NSM_LOG_LEVEL: DEBUG}", good)
