"""The file of policy routes, as upstream's endpoints read it (W §14)."""

import msgspec

from nsm import documents
from nsm.api.context import PolicyRoute, Route
from nsm.errors import Invalid


class _Route(msgspec.Struct, forbid_unknown_fields=True):
    prefix: str
    nexthop: str = ""


class _Policy(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    from_: str = ""
    proto: str | int = ""
    dstport: str | int = ""
    srcport: str | int = ""
    routes: list[_Route] = []


def read(text: bytes) -> tuple[PolicyRoute, ...]:
    """A list of {from, proto, dstport, srcport, routes: [{prefix, nexthop}]}."""
    try:
        policies = msgspec.convert(documents.read(text) or [], list[_Policy], strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"no list of policy routes: {error}") from None
    return tuple(
        PolicyRoute(
            from_=policy.from_,
            proto=str(policy.proto),
            dst_port=str(policy.dstport),
            src_port=str(policy.srcport),
            routes=tuple(Route(route.prefix, route.nexthop) for route in policy.routes),
        )
        for policy in policies
    )
