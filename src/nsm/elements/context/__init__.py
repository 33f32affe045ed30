"""What a vWire carries with it: addresses, prefixes to keep clear of, names, policies, MTU."""

from nsm.elements.context.assign_point_to_point import AssignPointToPoint
from nsm.elements.context.assign_strict import AssignStrict
from nsm.elements.context.clamp_mtu import ClampMtu
from nsm.elements.context.exclude_prefixes import ExcludePrefixes
from nsm.elements.context.leave_behind import LeaveBehind
from nsm.elements.context.policy_routes import PolicyRoutes
from nsm.elements.context.recall_addresses import RecallAddresses
from nsm.elements.context.remember_prefixes import RememberPrefixes
from nsm.elements.context.serve_names import ServeNames
from nsm.elements.context.set_extra_context import SetExtraContext
from nsm.elements.context.share_mtu import ShareMtu
from nsm.elements.context.spare_others import SpareOthers

__all__ = [
    "AssignPointToPoint",
    "AssignStrict",
    "ClampMtu",
    "ExcludePrefixes",
    "LeaveBehind",
    "PolicyRoutes",
    "RecallAddresses",
    "RememberPrefixes",
    "ServeNames",
    "SetExtraContext",
    "ShareMtu",
    "SpareOthers",
]
