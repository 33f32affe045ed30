"""How the next hop is reached and asked."""

from nsm.elements.reach.ask_channel import AskChannel
from nsm.elements.reach.connect import Connect
from nsm.elements.reach.dial import Dial
from nsm.elements.reach.make_before_break import MakeBeforeBreak
from nsm.elements.reach.set_url import SetUrl

__all__ = ["AskChannel", "Connect", "Dial", "MakeBeforeBreak", "SetUrl"]
