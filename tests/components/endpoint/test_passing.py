"""Which rules a firewall begins with, and what a passthrough is made of."""

from pathlib import Path

import pytest

from nsm.components.endpoint.config import FirewallConfig, PassthroughConfig
from nsm.components.endpoint.passing import passthrough, rules
from nsm.config import load
from nsm.dataplane.forward import PASS_ALL
from nsm.dataplane.rules import Rules
from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.program import Program
from nsm.rpc import Pool
from nsm.sdk import Clock
from nsm.sdk.chain import Chain

ACL = """
allow web: {ispermit: 1, proto: 6, dstportoricmpcodefirst: 80, dstportoricmpcodelast: 80}
"""


def said(tmp_path: Path, file: str | bytes | None = None, variable: str = "") -> Rules:
    path = tmp_path / "acl.yaml"
    if file is not None:
        path.write_bytes(file.encode() if isinstance(file, str) else file)
    environ = {"NSM_ACL_CONFIG_PATH": str(path), "NSM_ACL_CONFIG": variable}
    return rules(load(FirewallConfig, environ))


def test_without_any_rules_everything_passes(tmp_path: Path) -> None:
    assert said(tmp_path) == PASS_ALL
    assert said(tmp_path, "") == PASS_ALL
    assert said(tmp_path, "# nothing yet") == PASS_ALL


def test_rules_are_nft_expressions(tmp_path: Path) -> None:
    text = '["icmp type echo-request accept", "drop"]'
    assert said(tmp_path, text) == Rules(("icmp type echo-request accept", "drop"))


def test_rules_are_upstreams_map_of_entries_and_the_rest_is_dropped(tmp_path: Path) -> None:
    assert said(tmp_path, ACL) == Rules(("meta l4proto 6 tcp dport 80 accept",), "drop")


def test_the_variable_takes_the_place_of_the_file(tmp_path: Path) -> None:
    assert said(tmp_path, '["drop"]', variable='["accept"]') == Rules(("accept",))


@pytest.mark.parametrize(
    "text",
    ["accept", "5", "[1, 2]", "[[drop]]", "{a: b}", "{a: {colour: red}}", "[drop; flush ruleset]"],
)
def test_what_are_no_rules_is_refused_rather_than_let_through(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid):
        said(tmp_path, text)
    with pytest.raises(Invalid):
        said(tmp_path, variable=text)


@pytest.mark.parametrize("text", [b"[", b"\xff\xfe\x00", b"{a: &x [*x]}", b"a: !!python/none"])
def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(Invalid):
        said(tmp_path, text)


@pytest.mark.linux
@pytest.mark.parametrize("urls", ["", "kernel://next/nsm-9?app=b"])
async def test_a_passthrough_is_put_together_on_the_kernel_it_stands_on(urls: str) -> None:
    source = FakeSource.of("spiffe://test/pass", Authority("test", Clock()))
    pool = Pool(source, source)
    program = Program(name="pass", environ={}, identity=source, tokens=source, dialer=pool)
    program.at_last(pool.close)
    config = load(PassthroughConfig, {"NSM_LABELS": "app:a", "NSM_NETWORK_SERVICES": urls})
    try:
        made = await passthrough(config, program, program.needs(config.dial_timeout))
        assert isinstance(made, Chain)
    finally:
        await program.end()
