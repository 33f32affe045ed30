"""What an NS-URL in a world file means."""

from urllib.parse import urlsplit

from nsm.errors import Invalid
from nsm.world.spec import Want


def want(text: str) -> Want:
    """The service, domain and interface an NS-URL names; Invalid says what is wrong with it."""
    url = urlsplit(text)
    service, _, domain = url.netloc.partition("@")
    if not service:
        raise Invalid("no")
    return Want(text, service, domain, url.path.removeprefix("/"))
