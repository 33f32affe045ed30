"""How long a connection lives, and who looks after it."""

from nsm.elements.lifecycle.begin import Begin
from nsm.elements.lifecycle.begin_client import BeginClient
from nsm.elements.lifecycle.close_at_end import CloseAtEnd
from nsm.elements.lifecycle.close_when_idle import CloseWhenIdle
from nsm.elements.lifecycle.follow_upstream import FollowUpstream
from nsm.elements.lifecycle.heal import Heal
from nsm.elements.lifecycle.keeper import Liveness, Question
from nsm.elements.lifecycle.monitor import Monitor
from nsm.elements.lifecycle.refresh import Refresh
from nsm.elements.lifecycle.retry import Retry
from nsm.elements.lifecycle.timeout import Timeout

__all__ = [
    "Begin",
    "BeginClient",
    "CloseAtEnd",
    "CloseWhenIdle",
    "FollowUpstream",
    "Heal",
    "Liveness",
    "Monitor",
    "Question",
    "Refresh",
    "Retry",
    "Timeout",
]
