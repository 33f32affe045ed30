"""Programs as people start and stop them: processes with settings, signals and exit codes."""

import re
import signal
from pathlib import Path

import pytest

from nsm.program.settings import LEVELS

REGISTRY = "nsm.components.registry"
ENDING = [signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT]
BAD = {
    "nsm.components.registry": {"NSM_LISTEN_ON": "http://x:1", "NSM_MAX_RECORDS": "many"},
    "nsm.components.manager": {
        "NSM_DIAL_TIMEOUT": "soon",
        "NSM_LISTEN_ON": "tcp://nowhere",
        "NSM_REGISTRY_SERVER_POLICIES": "etc/mine.rego",
    },
    "nsm.components.forwarder": {"NSM_TUNNEL_IP": "here", "NSM_VXLAN_PORT": "70000"},
    "nsm.components.client": {"NSM_NETWORK_SERVICES": "foo", "NSM_AWARENESS_GROUPS": "[a"},
    "nsm.components.identity": {"NSM_TRUST_DOMAIN": "No Domain", "NSM_LEAF_LIFETIME": "long"},
    "nsm.components.endpoint icmp-responder": {
        "NSM_CIDR_PREFIX": "[10.0.0.0/24",
        "NSM_IPAM_POLICY": "rude",
        "NSM_DNS_CONFIGS": "{",
    },
    "nsm.components.endpoint passthrough": {"NSM_NETWORK_SERVICES": "vpn", "NSM_LABELS": "a"},
    "nsm.components.endpoint firewall": {"NSM_IDLE_TIMEOUT": "1d", "NSM_CONNECT_TO": "manager"},
    "nsm.node --registry --identity": {
        "NSM_TUNNEL_IP": "here",
        "NSM_FORWARDER_DIAL_TIMEOUT": "soon",
        "NSM_REGISTRY_MAX_RECORDS": "many",
        "NSM_IDENTITY_LEAF_LIFETIME": "long",
    },
}


@pytest.mark.parametrize("program", BAD)
async def test_every_bad_setting_is_said_at_once_and_nothing_is_started(
    launch, program: str
) -> None:
    bad = {**BAD[program], "NSM_LOG_LEVEL": "loud"}
    running = await launch(*program.split(), **bad)
    assert await running.ends() == 2
    assert running.said.startswith("settings: ")
    assert running.said.count("\n") == 1, "one line, and no traceback"
    for variable, value in bad.items():
        assert f"{variable}={value!r}: " in running.said


async def test_a_setting_that_must_be_said_is_asked_for(launch) -> None:
    for module in ("nsm.components.forwarder", "nsm.node"):
        running = await launch(module)
        assert await running.ends() == 2
        assert "NSM_TUNNEL_IP is not set: address of this node" in running.said


async def test_a_client_that_is_to_connect_to_nothing_says_so(launch) -> None:
    running = await launch("nsm.components.client")
    assert await running.ends() == 2
    assert "NSM_NETWORK_SERVICES is empty" in running.said


@pytest.mark.parametrize("number", ENDING)
async def test_a_program_without_an_identity_yet_ends_when_told_to(
    launch, tmp_path: Path, number: signal.Signals
) -> None:
    running = await launch(REGISTRY, SPIFFE_ENDPOINT_SOCKET=f"unix://{tmp_path}/none")
    await running.says("cannot be reached")
    assert await running.ends(number) == 0
    assert "Traceback" not in running.said


@pytest.mark.parametrize(
    ("program", "environ"),
    [
        ("endpoint icmp-responder", {}),
        ("client", {"NSM_NETWORK_SERVICES": "kernel://icmp-responder/nsm-1"}),
    ],
)
async def test_a_program_whose_manager_is_away_ends_when_told_to(
    launch, workload_api: str, tmp_path: Path, program: str, environ: dict[str, str]
) -> None:
    running = await launch(
        *f"nsm.components.{program}".split(),
        SPIFFE_ENDPOINT_SOCKET=workload_api,
        NSM_CONNECT_TO=f"unix://{tmp_path}/no-manager",
        NSM_LOG_LEVEL="DEBUG",
        **environ,
    )
    await running.says("this program is spiffe://test/me")
    await running.says("no-manager")
    assert await running.ends(signal.SIGTERM) == 0
    assert "Traceback" not in running.said
    assert not any(news.get("ready") for news in running.news)


@pytest.mark.parametrize(
    ("listen_on", "why"),
    [("unix:///dev/null/x", "File exists"), ("tcp://192.0.2.1:1", "annot assign")],
)
async def test_where_it_cannot_serve_a_program_says_why_in_a_line(
    launch, workload_api: str, listen_on: str, why: str
) -> None:
    running = await launch(REGISTRY, SPIFFE_ENDPOINT_SOCKET=workload_api, NSM_LISTEN_ON=listen_on)
    assert await running.ends() == 1
    assert why in running.said
    assert "Traceback" not in running.said


async def test_a_variable_that_nobody_reads_is_named(launch, workload_api: str, tmp_path) -> None:
    running = await launch(
        REGISTRY,
        SPIFFE_ENDPOINT_SOCKET=workload_api,
        NSM_LISTEN_ON=f"unix://{tmp_path}/r.sock",
        NSM_MAX_TOKEN_LIVETIME="1h",
        NSM_MESH="lab",
    )
    await running.ready()
    assert "NSM_MAX_TOKEN_LIVETIME is set, and no setting of this program" in running.said
    assert "NSM_MESH" not in running.said
    assert await running.ends(signal.SIGTERM) == 0


@pytest.mark.parametrize("level", LEVELS)
async def test_a_level_changes_what_is_printed_and_nothing_else(
    launch, workload_api: str, tmp_path: Path, level: str
) -> None:
    path = tmp_path / "r.sock"
    running = await launch(
        REGISTRY,
        SPIFFE_ENDPOINT_SOCKET=workload_api,
        NSM_LISTEN_ON=f"unix://{path}",
        NSM_LOG_LEVEL=level,
    )
    await running.ready()
    assert path.is_socket()
    assert await running.ends(signal.SIGTERM) == 0
    assert not path.exists()
    assert ("registry is ready" in running.said) is (level in ("TRACE", "DEBUG", "INFO"))


async def test_signals_make_a_program_say_more_and_then_as_much_as_it_was_told(
    launch, tmp_path: Path
) -> None:
    nowhere = f"unix://{tmp_path}/none"
    running = await launch(REGISTRY, SPIFFE_ENDPOINT_SOCKET=nowhere, NSM_LOG_LEVEL="WARN")
    await running.says("WARNING")
    assert "DEBUG" not in running.said
    running.process.send_signal(signal.SIGUSR1)
    await running.says("DEBUG")
    running.process.send_signal(signal.SIGUSR2)
    assert await running.ends(signal.SIGTERM) == 0


@pytest.mark.parametrize("program", BAD)
async def test_help_names_every_setting_and_starts_nothing(launch, program: str) -> None:
    running = await launch(*program.split(), "--help")
    assert await running.ends() == 0
    shown = re.findall(r"^(?:NSM|SPIFFE)_\w+", running.said, re.MULTILINE)
    own = {one for one in BAD[program] if not one.startswith(("NSM_REGISTRY_M", "NSM_IDENTITY"))}
    assert own | {"NSM_NAME", "NSM_LOG_LEVEL", "SPIFFE_ENDPOINT_SOCKET"} <= set(shown)
