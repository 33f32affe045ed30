"""What is built in the kernel once all have agreed, and whether it carries."""

from nsm.elements.kernel.carry_through import CarryThrough
from nsm.elements.kernel.join_namespaces import JoinNamespaces
from nsm.elements.kernel.ping import CheckLiveness

__all__ = ["CarryThrough", "CheckLiveness", "JoinNamespaces"]
