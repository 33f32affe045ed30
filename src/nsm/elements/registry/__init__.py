"""Who offers what: how records are registered, kept, found, and kept alive."""

from nsm.elements.registry.ask_registry import AskRegistry
from nsm.elements.registry.begin_registration import BeginRegistration
from nsm.elements.registry.bypass_locally import BypassLocally
from nsm.elements.registry.check_record import CheckRecord
from nsm.elements.registry.connect_registry import ConnectRegistry
from nsm.elements.registry.describe_endpoint import DescribeEndpoint
from nsm.elements.registry.dial_registry import DialRegistry
from nsm.elements.registry.endpoint_files import EndpointFiles
from nsm.elements.registry.expire import Expire
from nsm.elements.registry.follow_endpoints import FollowEndpoints
from nsm.elements.registry.follow_services import FollowServices
from nsm.elements.registry.heal_find import HealFind
from nsm.elements.registry.heal_registration import HealRegistration
from nsm.elements.registry.keep_registered import KeepRegistered
from nsm.elements.registry.recall_found import RecallFound
from nsm.elements.registry.receive_endpoint_file import ReceiveEndpointFile
from nsm.elements.registry.receive_found_file import ReceiveFoundFile
from nsm.elements.registry.refresh_registration import RefreshRegistration
from nsm.elements.registry.remember import Remember
from nsm.elements.registry.retry_registry import RetryRegistry
from nsm.elements.registry.send_endpoint_file import SendEndpointFile
from nsm.elements.registry.send_found_file import SendFoundFile
from nsm.elements.registry.set_payload import SetPayload
from nsm.elements.registry.stamp_time import StampTime
from nsm.elements.registry.store_records import StoreRecords
from nsm.elements.registry.switch_interdomain import SwitchInterdomain
from nsm.elements.registry.update_token_path import UpdateTokenPath

__all__ = [
    "AskRegistry",
    "BeginRegistration",
    "BypassLocally",
    "CheckRecord",
    "ConnectRegistry",
    "DescribeEndpoint",
    "DialRegistry",
    "EndpointFiles",
    "Expire",
    "FollowEndpoints",
    "FollowServices",
    "HealFind",
    "HealRegistration",
    "KeepRegistered",
    "RecallFound",
    "ReceiveEndpointFile",
    "ReceiveFoundFile",
    "RefreshRegistration",
    "Remember",
    "RetryRegistry",
    "SendEndpointFile",
    "SendFoundFile",
    "SetPayload",
    "StampTime",
    "StoreRecords",
    "SwitchInterdomain",
    "UpdateTokenPath",
]
