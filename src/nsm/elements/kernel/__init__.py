"""What is built in the kernel once all have agreed."""

from nsm.elements.kernel.carry_through import CarryThrough
from nsm.elements.kernel.join_namespaces import JoinNamespaces

__all__ = ["CarryThrough", "JoinNamespaces"]
