"""How an endpoint passes on what it is asked for, and the packets with it."""

from nsm.elements.passthrough.carry_through import CarryThrough
from nsm.elements.passthrough.replace_endpoint import ReplaceEndpoint
from nsm.elements.passthrough.replace_labels import ReplaceLabels
from nsm.elements.passthrough.replace_service import ReplaceService

__all__ = ["CarryThrough", "ReplaceEndpoint", "ReplaceLabels", "ReplaceService"]
