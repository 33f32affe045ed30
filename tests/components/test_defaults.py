"""What programs read from an empty environment: upstream's names and defaults (W §7), by hand.

What stands below `ours` has no twin upstream.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from nsm.components.client.config import Config as Client
from nsm.components.endpoint.config import FirewallConfig, PassthroughConfig
from nsm.components.forwarder.config import Config as Forwarder
from nsm.components.manager.config import Config as Manager
from nsm.components.registry.config import Config as Registry
from nsm.config import _settings, load
from nsm.endpoint.config import Config as Endpoint
from nsm.node.config import MANAGER as WITHIN
from nsm.node.config import Config as Node

SERVER_POLICIES = (
    "etc/nsm/opa/common/.*.rego",
    "etc/nsm/opa/registry/.*.rego",
    "etc/nsm/opa/server/.*.rego",
)
CLIENT_POLICIES = (
    "etc/nsm/opa/common/.*.rego",
    "etc/nsm/opa/registry/.*.rego",
    "etc/nsm/opa/client/.*.rego",
)
MANAGER = "unix:///var/lib/networkservicemesh/nsm.io.sock"
COMMON = {
    "NSM_LOG_LEVEL": "INFO",
    "NSM_MAX_TOKEN_LIFETIME": timedelta(minutes=10),
    "NSM_OPEN_TELEMETRY_ENDPOINT": "otel-collector.observability.svc.cluster.local:4317",
    "NSM_METRICS_EXPORT_INTERVAL": timedelta(seconds=10),
    "NSM_PPROF_ENABLED": False,
    "NSM_PPROF_LISTEN_ON": "localhost:6060",
    "SPIFFE_ENDPOINT_SOCKET": "unix:///run/spire/sockets/agent.sock",
}
ADMITTING = {
    # ours
    "NSM_ADMISSION_RULES": (),
    "NSM_FORWARDER_IDS": (),
}
WATCHED = {
    # ours
    "NSM_MONITOR_ADMINS": (),
}
CLIENT = {
    **COMMON,
    "NSM_NAME": "nsc",
    "NSM_CONNECT_TO": MANAGER,
    "NSM_DIAL_TIMEOUT": timedelta(seconds=5),
    "NSM_REQUEST_TIMEOUT": timedelta(seconds=15),
    "NSM_LABELS": {},
    "NSM_MECHANISM": "kernel",
    "NSM_NETWORK_SERVICES": (),
    "NSM_AWARENESS_GROUPS": (),
    "NSM_LOCAL_DNS_SERVER_ENABLED": True,
    "NSM_LOCAL_DNS_SERVER_ADDRESS": "127.0.0.1:53",
    "NSM_LIVENESS_CHECK_ENABLED": True,
    "NSM_LIVENESS_CHECK_INTERVAL": timedelta(milliseconds=200),
    "NSM_LIVENESS_CHECK_TIMEOUT": timedelta(seconds=1),
    # ours
    "NSM_NETNS": "/proc/self/ns/net",
    "NSM_STATE_DIR": "",
}
ENDPOINT = {
    **COMMON,
    **WATCHED,
    **ADMITTING,
    "NSM_NAME": "icmp-server",
    "NSM_BASE_DIR": "./",
    "NSM_CONNECT_TO": MANAGER,
    "NSM_REGISTRY_CLIENT_POLICIES": CLIENT_POLICIES,
    "NSM_IPAM_POLICY": "polite",
    "NSM_SERVICE_NAMES": ("icmp-responder",),
    "NSM_PAYLOAD": "ETHERNET",
    "NSM_LABELS": {},
    "NSM_DNS_CONFIGS": (),
    "NSM_CIDR_PREFIX": ((ip_network("169.254.0.0/16"),),),
    "NSM_IDLE_TIMEOUT": timedelta(),
    "NSM_REGISTER_SERVICE": True,
    "NSM_UNREGISTER_ITSELF": False,
    "NSM_PBR_CONFIG_PATH": "/etc/policy-based-routing/config.yaml",
    # ours
    "NSM_LISTEN_ON": "",
    "NSM_DIAL_TIMEOUT": timedelta(seconds=5),
    "NSM_NETNS": "/proc/self/ns/net",
    "NSM_STATE_DIR": "",
}
PASSTHROUGH = {
    **ENDPOINT,
    "NSM_NAME": "passthrough",
    "NSM_CIDR_PREFIX": (),
    "NSM_NETWORK_SERVICES": (),
    "NSM_REQUEST_TIMEOUT": timedelta(seconds=15),
}
FIREWALL = {
    **PASSTHROUGH,
    "NSM_NAME": "firewall-server",
    "NSM_ACL_CONFIG_PATH": "/etc/firewall/config.yaml",
    # ours
    "NSM_ACL_CONFIG": "",
}
MANAGING = {
    **COMMON,
    **WATCHED,
    **ADMITTING,
    "NSM_NAME": "nmgr",
    "NSM_LISTEN_ON": (MANAGER,),
    "NSM_REGISTRY_URL": "tcp://localhost:5001",
    "NSM_REGISTRY_SERVER_POLICIES": SERVER_POLICIES,
    "NSM_REGISTRY_CLIENT_POLICIES": CLIENT_POLICIES,
    "NSM_DIAL_TIMEOUT": timedelta(milliseconds=750),
    "NSM_FORWARDER_NETWORK_SERVICE_NAME": "forwarder",
    # ours; upstream's is fixed, at the same place
    "NSM_EXCLUDED_PREFIXES": "/var/lib/networkservicemesh/config/excluded_prefixes.yaml",
    # ours
    "NSM_REGISTRY_OUTAGE": timedelta(hours=1),
}
REGISTRY = {
    **COMMON,
    **ADMITTING,
    "NSM_LISTEN_ON": ("unix:///listen.on.socket",),
    "NSM_REGISTRY_SERVER_POLICIES": SERVER_POLICIES,
    "NSM_REGISTRY_CLIENT_POLICIES": CLIENT_POLICIES,
    "NSM_PROXY_REGISTRY_URL": "",
    "NSM_EXPIRE_PERIOD": timedelta(seconds=1),
    # ours
    "NSM_NAME": "registry",
    "NSM_FORWARDER_NETWORK_SERVICE_NAME": "forwarder",
    "NSM_DIAL_TIMEOUT": timedelta(milliseconds=300),
    "NSM_MAX_RECORDS": 100_000,
    "NSM_MAX_WATCHERS": 100_000,
    "NSM_STORE": "",
}
ON_A_NODE = {
    "NSM_LABELS": {"p2p": "true"},
    "NSM_NSNAME": "forwarder",
    "NSM_BRIDGE_NAME": "br-nsm",
    "NSM_TUNNEL_IP": "10.0.0.1",
    "NSM_VXLAN_PORT": 4789,
    "NSM_RESOURCE_POLL_TIMEOUT": timedelta(seconds=30),
    "NSM_DEVICE_PLUGIN_PATH": "/var/lib/kubelet/device-plugins/",
    "NSM_POD_RESOURCES_PATH": "/var/lib/kubelet/pod-resources/",
    "NSM_SRIOV_CONFIG_FILE": "pci.config",
    "NSM_L2_RESOURCE_SELECTOR_FILE": "",
    "NSM_PCI_DEVICES_PATH": "/sys/bus/pci/devices",
    "NSM_PCI_DRIVERS_PATH": "/sys/bus/pci/drivers",
    "NSM_CGROUP_PATH": "/host/sys/fs/cgroup/devices",
    "NSM_VFIO_PATH": "/host/dev/vfio",
    # ours
    "NSM_STATE_DIR": "/var/lib/networkservicemesh/forwarder",
}
FORWARDER = {
    **COMMON,
    **WATCHED,
    **ON_A_NODE,
    "NSM_NAME": "forwarder",
    "NSM_CONNECT_TO": "unix:///connect.to.socket",
    "NSM_MAX_TOKEN_LIFETIME": timedelta(hours=24),
    "NSM_REGISTRY_CLIENT_POLICIES": CLIENT_POLICIES,
    # ours: upstream's 50ms fails a third of many at once
    "NSM_DIAL_TIMEOUT": timedelta(milliseconds=750),
    # ours
    "NSM_LISTEN_ON": "",
    "NSM_MANAGER_IDS": (),
}
NODE = {
    **MANAGING,
    **ON_A_NODE,
    "NSM_FORWARDER_NAME": "forwarder",
    "NSM_FORWARDER_DIAL_TIMEOUT": timedelta(milliseconds=750),
    "NSM_FORWARDER_MAX_TOKEN_LIFETIME": timedelta(hours=24),
    "NSM_FORWARDER_REGISTRY_CLIENT_POLICIES": CLIENT_POLICIES,
}
ADDRESS = {"NSM_TUNNEL_IP": "10.0.0.1"}
EXPECTED: Mapping[type, tuple[Mapping[str, Any], Mapping[str, str]]] = {
    Client: (CLIENT, {}),
    Endpoint: (ENDPOINT, {}),
    PassthroughConfig: (PASSTHROUGH, {}),
    FirewallConfig: (FIREWALL, {}),
    Manager: (MANAGING, {}),
    Registry: (REGISTRY, {}),
    Forwarder: (FORWARDER, ADDRESS),
    Node: (NODE, ADDRESS),
}


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__module__)
def test_where_nothing_is_set_a_program_is_what_upstreams_is(kind: type) -> None:
    expected, environ = EXPECTED[kind]
    config = load(kind, environ)
    assert {one.names[0]: getattr(config, one.field) for one in _settings(kind)} == expected


def test_a_node_with_nothing_set_holds_a_forwarder_with_nothing_set() -> None:
    alone, within = load(Forwarder, ADDRESS), load(Node, ADDRESS).forwarder
    differ = {f.name for f in fields(alone) if getattr(alone, f.name) != getattr(within, f.name)}
    assert differ == {"connect_to"}
    assert within.connect_to == WITHIN
