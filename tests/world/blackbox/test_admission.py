"""Rules about who may use, serve and register what, in whole worlds."""

from pathlib import Path

import pytest

from .lab import Json, Lab, Mesh, eventually, nsm

pytestmark = [pytest.mark.linux, pytest.mark.world]

RULES = """
default: allow
rules:
  - name: web-uses-gateway
    allow: use
    who: "spiffe://*/ns/*/web*"
    service: secure-gateway
    labels: {app: web}
  - name: nobody-else
    deny: use
    service: secure-gateway
    because: only web may use the gateway
"""
WORLD = """
nodes: [n-1, n-2]
endpoints:
  gateway: {node: n-2, serves: [secure-gateway, open], run: icmp-responder, cidr: [172.16.1.0/24]}
workloads:
  web: {node: n-1, wants: kernel://secure-gateway/nsm-1?app=web}
  db: {node: n-1, wants: [kernel://secure-gateway/nsm-1?app=db, kernel://open/nsm-2]}
"""
CHAIN = """
nodes: [n-1, n-2]
services:
  vpn:
    matches:
      - source_selector: {app: firewall}
        routes: [{destination_selector: {app: gateway}}]
      - routes: [{destination_selector: {app: firewall}}]
endpoints:
  firewall: {node: n-1, serves: vpn, run: firewall, labels: {app: firewall}}
  gateway:
    {node: n-2, serves: vpn, run: icmp-responder, cidr: [172.16.2.0/24], labels: {app: gateway}}
  rogue: {node: n-2, serves: secret, run: icmp-responder, cidr: [172.16.3.0/24]}
workloads:
  web: {node: n-1, wants: kernel://vpn/nsm-1}
  db: {node: n-2, wants: kernel://vpn/nsm-1}
policy:
  default: deny
  rules:
    - {name: web-only, allow: use, who: "*/web", service: vpn}
    - {name: no-secrets, deny: serve, service: secret, because: it is secret}
"""


@pytest.fixture
def rules(bench: Lab) -> Path:
    path = bench.folder / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def mesh(bench: Lab, rules: Path) -> Mesh:
    return bench.try_up("admit", WORLD + f"policy: {rules.name}\n", "--timeout", "4s")


def refusal(wire: Json) -> str:
    return (
        wire["error"]["cause"] if (wire["error"] or {}).get("code") == "PERMISSION_DENIED" else ""
    )


def test_only_who_is_allowed_connects_and_who_is_not_learns_which_rule_says_so(mesh: Mesh) -> None:
    assert mesh.up
    assert mesh.up.code == 1
    assert mesh.pings("web", "secure-gateway")
    assert "nobody-else: only web may use the gateway" in refusal(mesh.wire("db"))
    assert mesh.wire("db")["error"]["hop"] == "manager-n-1"
    assert mesh.pings("db", "open")


def test_the_rules_of_a_mesh_can_be_asked_about_who_is_there_and_who_is_not(mesh: Mesh) -> None:
    def can(*words: str) -> Json:
        ran = nsm("policy", "can", *words, "-m", mesh.name, "-o", "json")
        assert ran.code == (0 if ran.json["allowed"] else 1)
        return {"allowed": ran.json["allowed"], "rule": ran.json["rule"]}

    web, db = [
        {"allowed": True, "rule": "web-uses-gateway"},
        {"allowed": False, "rule": "nobody-else"},
    ]
    assert can("web", "secure-gateway", "--label", "app=web") == web
    assert can("db", "secure-gateway", "--label", "app=web") == db
    assert can(f"spiffe://{mesh.name}/ns/x/web-9", "secure-gateway", "--label", "app=web") == web
    assert can("gateway", "open", "--do", "serve")["rule"] == "gateway-serves"


def test_rules_that_turn_against_a_vwire_close_it(mesh: Mesh, rules: Path) -> None:
    assert mesh.pings("web", "secure-gateway")
    rules.write_text("rules: [{nonsense")
    before = mesh.process("web")["pid"]
    rules.write_text(RULES.replace("/web*", "/other*"))
    took = eventually(lambda: "nobody-else" in refusal(mesh.wire("web")), within=5)
    assert took < 3
    assert mesh.exec("web", "ip", "link", "show", "nsm-1").code == 1
    assert mesh.process("web")["pid"] == before
    assert mesh.wire("db", 1)["state"] == "up"


def test_rules_that_make_no_sense_change_nothing(mesh: Mesh, rules: Path) -> None:
    rules.write_text("rules: [{deny: use, because")
    eventually(lambda: "what it said before stays" in mesh.ok("logs", "node@n-1").out, within=5)
    rules.unlink()
    assert mesh.pings("web", "secure-gateway")
    assert "nobody-else" in refusal(mesh.wire("db"))


def test_where_all_is_denied_what_the_world_says_still_works(bench: Lab) -> None:
    mesh = bench.try_up("chain", CHAIN, "--timeout", "6s")
    eventually(lambda: mesh.wire("web")["state"] == "up", within=20)
    assert mesh.pings("web", "vpn")
    assert mesh.wire("web")["path"].count("manager-n-1") == 2
    assert "no rule applies" in refusal(mesh.wire("db"))
    assert mesh.endpoint("rogue")["state"] != "up"
    assert "rule no-secrets: it is secret" in mesh.ok("logs", "rogue").out


def test_bad_rules_are_said_before_anything_starts(bench: Lab) -> None:
    (bench.folder / "rules.yaml").write_text("rules:\n- {allow: usage}\n")
    mesh = bench.try_up("bad", WORLD + "policy: rules.yaml\n")
    assert mesh.up
    assert mesh.up.code == 2
    assert "rules.yaml:2:" in mesh.up.said
    assert not mesh.root.exists()
