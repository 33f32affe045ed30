"""Files that are wrong: everything wrong with them at once, by line, and nothing started."""

import pytest

from .lab import RUN, Lab, nsm

pytestmark = [pytest.mark.linux, pytest.mark.world]

# Every line that is wrong says so at its end.
EVERYTHING = """\
nodes: [n-1, n-1, N_2]  # !
colour: green  # !
services:
  s: {payload: TCP}  # !
  t: {matches: [{routs: []}]}  # !
endpoints:
  a: {node: nowhere, serves: s, run: icmp-responder}  # !
  b: {serves: s, run: no-such-program}  # !
  c: {serves: s, run: missing.py}  # !
  d: {serves: s, run: icmp-responder, cidr: [10.0.0.0/33]}  # !
  e: {serves: s, run: icmp-responder, cidr: [100.64.1.0/24]}  # !
  f: {serves: s, run: icmp-responder, cidr: ["fd6b:92d4:1c37:9::/64"]}  # !
  g: {serves: s, run: icmp-responder, cidr: [10.1.0.1/24]}  # !
  h: {serves: s}  # !
  i: {run: icmp-responder}  # !
  j: {serves: s, run: icmp-responder, replicas: 0}  # !
  k: {serves: s, run: icmp-responder, replicas: many}  # !
  l: {serves: s, run: icmp-responder, restart: always}  # !
  m: {serves: s, run: icmp-responder, labels: [app, vpn]}  # !
  n: {serves: s, run: icmp-responder, env: {NSM_NAME: x}}  # !
  o: {serves: s, run: icmp-responder, wants: "kernel://"}  # !
  p: {serves: s, run: []}  # !
  q: {serves: s, run: icmp-responder, colour: green}  # !
  r: {serves: s, run: icmp-responder, cidr: [10.2.0.0/16, 10.2.3.0/24]}  # !
  web: {serves: s, run: icmp-responder}
workloads:
  web: {wants: kernel://s/nsm-1}  # !
  Web: {wants: kernel://s/nsm-1}  # !
  nobody: {wants: kernel://no-such-service/nsm-1}  # !
  scheme: {wants: carrier-pigeon://s/nsm-1}  # !
  long: {wants: kernel://s/an-interface-name-that-is-too-long}  # !
  twice: {wants: [kernel://s/nsm-1, kernel://s/nsm-1]}  # !
  none: {}  # !
  words: just words  # !
  a-name-that-has-far-more-characters-than-a-name-may: {wants: kernel://s/nsm-1}  # !
  runs: {wants: kernel://s/nsm-1, run: sleep 5}  # !
  yes-no: {wants: kernel://s/nsm-1, dns: perhaps}  # !
  n-1: {wants: kernel://s/nsm-1}  # !
"""
BROKEN = {
    "empty": "",
    "comments": "# nothing\n",
    "text": "hello",
    "list": "- a\n- b\n",
    "syntax": "nodes: [a\n",
    "tab": "nodes:\n\t- a\n",
    "tag": "nodes: !!python/object/apply:os.system [true]\n",
    "alias bomb": "a: &a [x,x]\nb: &b [*a,*a]\nnodes: [*b,*b]\n",
    "deep": "nodes: " + "[" * 5000 + "]" * 5000,
    "twice": "nodes: [a]\nnodes: [b]\n",
    "name": "name: Not A Name\nnodes: [a]\n",
    "long name": f"name: {'x' * 25}\nnodes: [a]\n",
    "climbing": "name: ../../etc\nnodes: [a]\n",
    "binary": "nodes: [\x00]\n",
    "nothing of it": "nodes: []\nworkloads: {a: {wants: kernel://b/c}}\n",
    "number": "nodes: 5\n",
    "null": "endpoints: {a: null}\n",
    "self-containing": "nodes: &a [*a]\n",
}


def lines_that_are_wrong() -> list[int]:
    numbered = enumerate(EVERYTHING.splitlines(), 1)
    return [number for number, line in numbered if line.endswith("# !")]


@pytest.mark.parametrize("command", ["validate", "up"])
def test_everything_that_is_wrong_is_said_at_once_with_its_line(lab: Lab, command: str) -> None:
    mesh = lab.draft("bad", EVERYTHING)
    ran = nsm(command, str(mesh.file))
    assert ran.code == 2
    unsaid = [n for n in lines_that_are_wrong() if f"{mesh.file.name}:{n}: " not in ran.said]
    assert [EVERYTHING.splitlines()[number - 1] for number in unsaid] == []
    assert not mesh.root.exists()


def test_nothing_that_is_right_is_complained_of(lab: Lab) -> None:
    mesh = lab.draft("bad", EVERYTHING)
    said = nsm("validate", str(mesh.file)).said
    right = set(range(1, len(EVERYTHING.splitlines()) + 1)) - set(lines_that_are_wrong())
    assert [number for number in sorted(right) if f"{mesh.file.name}:{number}: " in said] == []


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_2_and_starts_nothing(lab: Lab, text: str) -> None:
    mesh = lab.draft("broken", text)
    ran = nsm("up", str(mesh.file), "-d", "-o", "json")
    assert ran.code == 2, str(ran)
    assert ran.json["error"]["cause"]
    assert ran.json["error"]["fix"]
    assert "Traceback" not in ran.said
    assert not mesh.root.exists()
    assert not (RUN.parent / "etc").exists()


def test_a_file_that_is_not_there_is_2(lab: Lab) -> None:
    ran = nsm("up", str(lab.folder / "no-such.yaml"), "-d", "-o", "json")
    assert ran.code == 2
    assert "no-such.yaml" in ran.said
    assert nsm("validate", str(lab.folder)).code == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("domains: {a.example: {nodes: [a-1]}, b.example: {nodes: [b-1]}}\n", "domains:"),
    ],
)
def test_what_comes_later_is_said_plainly(lab: Lab, text: str, named: str) -> None:
    mesh = lab.draft("later", text)
    ran = nsm("up", str(mesh.file), "-d", "-o", "json")
    assert ran.code == 3
    assert named in ran.json["error"]["cause"]
    assert ran.json["error"]["fix"]
    assert nsm("validate", str(mesh.file)).code == 0


def test_reload_comes_later_and_says_so(lab: Lab) -> None:
    mesh = lab.draft("reload", "nodes: [n-1]\n")
    ran = nsm("up", str(mesh.file), "--reload")
    assert (ran.code, "--reload" in ran.err) == (3, True)
