"""Who serves, who forwards, and whether they still should."""

from nsm.elements.discovery.describe_client import DescribeClient
from nsm.elements.discovery.discover_endpoint import DiscoverEndpoint
from nsm.elements.discovery.discover_forwarder import DiscoverForwarder
from nsm.elements.discovery.remember_next_endpoint import RememberNextEndpoint
from nsm.elements.discovery.replace_labels import ReplaceLabels
from nsm.elements.discovery.replace_service import ReplaceService
from nsm.elements.discovery.take_turns import TakeTurns
from nsm.elements.discovery.watch_services import WatchServices

__all__ = [
    "DescribeClient",
    "DiscoverEndpoint",
    "DiscoverForwarder",
    "RememberNextEndpoint",
    "ReplaceLabels",
    "ReplaceService",
    "TakeTurns",
    "WatchServices",
]
