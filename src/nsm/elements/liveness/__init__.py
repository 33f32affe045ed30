"""Whether packets pass."""

from nsm.elements.liveness.check_liveness import CheckLiveness

__all__ = ["CheckLiveness"]
