"""What stands in one domain: its nodes, services, endpoints and workloads."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml

from nsm.admission.reading import rules_in
from nsm.api.registration import NetworkService
from nsm.values import Fields, Value, closest
from nsm.world import spec_words as words
from nsm.world.ground import MAX_NODES, MAX_PODS
from nsm.world.spec import (
    BuiltIn,
    Command,
    Domain,
    EndpointSpec,
    NameService,
    Program,
    PythonFile,
    Want,
    WorkloadSpec,
    copies,
)
from nsm.world.spec_check import Facts, Prefix
from nsm.world.spec_service import service

T = TypeVar("T")
IN_DOMAIN = ("nodes", "services", "endpoints", "workloads", "policy")
ENDPOINT = ("node", "serves", "run", "cidr", "labels", "dns", "env", "wants", "restart", "replicas")
WORKLOAD = ("node", "wants", "run", "replicas", "dns")
BUILT_IN = ("icmp-responder", "firewall", "passthrough")


class DomainReader:
    """Reads the keys of one domain; `default` is its node where the file names none."""

    def __init__(
        self,
        name: str,
        default: str,
        folder: Path,
        exists: Callable[[Path], bool],
        facts: Facts,
    ) -> None:
        self.name = name
        self.nodes: tuple[str, ...] = (default,)
        self.folder = folder
        self.exists = exists
        self.facts = facts

    def read(self, fields: Fields) -> Domain:
        """The whole domain."""
        self.facts.domains.add(self.name)
        self.read_nodes(fields.get("nodes"))
        return Domain(
            name=self.name,
            nodes=self.nodes,
            services=self.each(fields.get("services"), "services by name", self.service),
            endpoints=self.each(fields.get("endpoints"), "endpoints by name", self.endpoint),
            workloads=self.each(fields.get("workloads"), "workloads by name", self.workload),
            policy=fields.read("policy", self.policy, None),
        )

    def read_nodes(self, value: Value | None) -> None:
        """The nodes' names; where there is none to read, the default stands."""
        if value is None:
            self.facts.occupy(self.nodes)
            return
        items = value.items("a list of names, such as [node-1, node-2]")
        if len(items) > MAX_NODES:
            value.wrong(f"{len(items)} nodes", f"name at most {MAX_NODES}")
        found = []
        for item in items[:MAX_NODES]:
            node = words.name(item)
            if node is not None:
                self.facts.occupy((node,), item)
                found.append(node)
        if value.is_list and len(found) == len(items):
            self.nodes = tuple(found)

    def each(
        self, value: Value | None, what: str, read: Callable[[str, Value], T | None]
    ) -> tuple[T, ...]:
        """Every entry of a mapping of things by name."""
        found = [read(name, item) for name, item in value.entries(what)] if value else []
        return tuple(one for one in found if one is not None)

    def service(self, name: str, value: Value) -> NetworkService:
        """An entry of `services:`."""
        self.facts.serve(name, self.name)
        return service(name, value)

    def endpoint(self, name: str, value: Value) -> EndpointSpec | None:
        """An entry of `endpoints:`."""
        if not value.is_mapping:
            value.expected("what it serves and runs, as {serves: my-service, run: icmp-responder}")
            return None
        fields = value.fields(*ENDPOINT)
        serves = fields.need("serves", "serves: my-service")
        run = fields.need("run", "run: icmp-responder")
        wants = fields.read("wants", words.wanted, None)
        if wants is not None:
            self.facts.wants.append((fields.found["wants"], wants, self.name))
        return EndpointSpec(
            name=name,
            node=self.node(fields),
            serves=serves.texts(self.serves) if serves else (),
            run=self.program(run) if run else BuiltIn(""),
            groups=fields.read("cidr", lambda value: self.groups(value, name), ()),
            labels=fields.read("labels", words.labels, {}),
            dns=fields.read("dns", name_services, ()),
            env=fields.read("env", words.variables, {}),
            wants=wants,
            restart=fields.read("restart", restarts, True),
            replicas=self.stand(name, fields),
        )

    def workload(self, name: str, value: Value) -> WorkloadSpec | None:
        """An entry of `workloads:`."""
        if not value.is_mapping:
            value.expected("what it wants, as {wants: kernel://my-service/nsm-1}")
            return None
        fields = value.fields(*WORKLOAD)
        wants = fields.need("wants", "wants: kernel://my-service/nsm-1")
        return WorkloadSpec(
            name=name,
            node=self.node(fields),
            wants=self.wants(wants) if wants else (),
            run=fields.read("run", command, ()),
            replicas=self.stand(name, fields),
            dns=fields.read("dns", Value.flag, True),
        )

    def wants(self, value: Value) -> tuple[Want, ...]:
        """What a workload wants; no two of its vWires may share an interface."""
        taken: dict[str, int] = {"eth0": 0, "lo": 0}
        found = []
        for item in value.one_or_more():
            if (one := words.wanted(item)) is None:
                continue
            if one.interface in taken:
                of = "the workload's own" if not taken[one.interface] else "taken already"
                item.wrong(f"the interface {one.interface!r} is {of}", "choose another name")
            if one.interface:
                taken[one.interface] = item.line
            self.facts.wants.append((item, one, self.name))
            found.append(one)
        return tuple(found)

    def stand(self, name: str, fields: Fields) -> int:
        """Take the names that something and its replicas run under; how many there are."""
        replicas = fields.get("replicas")
        count = replicas.number(1, MAX_PODS) if replicas else 1
        if words.check_name(fields.owner, name):
            taken = copies(name, count)
            if len(name) <= words.MAX_NAME < len(taken[-1]):
                fields.owner.wrong(f"{taken[-1]!r} is too long", f"use at most {words.MAX_NAME}")
            self.facts.occupy(taken, fields.owner)
        return count

    def node(self, fields: Fields) -> str:
        """The node something stands on."""
        value = fields.get("node")
        if value is None:
            if not self.nodes:
                fields.owner.wrong(f"{self.name} has no node to stand on", "add one to nodes:")
            return self.nodes[0] if self.nodes else ""
        text = value.text("the name of a node")
        if text is not None and text not in self.nodes:
            value.wrong(f"there is no node {text[:60]!r}", closest(text, self.nodes))
        return text or ""

    def program(self, value: Value) -> Program:
        """What an endpoint runs."""
        if value.is_list:
            return Command(command(value))
        text = value.text("icmp-responder, a file that ends in .py, or a command as a list") or ""
        if text.endswith(".py") and self.beside(value, text):
            return PythonFile((self.folder / text).absolute())
        if text and not text.endswith(".py") and text not in BUILT_IN:
            value.wrong(f"there is no built-in endpoint {text[:60]!r}", closest(text, BUILT_IN))
        return BuiltIn(text)

    def beside(self, value: Value, name: str) -> bool:
        """Whether a file stands beside the world file; complains if it does not."""
        there = "\0" not in name and self.exists(self.folder / name)
        if not there:
            value.wrong(f"there is no file {name[:200]!r}", "paths are relative to the world file")
        return there

    def serves(self, value: Value) -> str | None:
        """A service that an endpoint serves."""
        text = words.service(value)
        if text is not None:
            plain, at, domain = text.partition("@")
            self.facts.serve(plain, domain if at else self.name, value)
        return text

    def groups(self, value: Value, owner: str) -> tuple[str, ...]:
        """Address groups, one a prefix."""
        found = []
        for item in value.items("a list of prefixes, such as [172.16.1.0/24]"):
            if (network := words.prefix(item)) is not None:
                self.facts.prefixes.append(Prefix(item, network, owner, self.name))
                found.append(str(network))
        return tuple(found)

    def policy(self, value: Value) -> str | Path | None:
        """Admission rules, or the file that holds them."""
        if value.is_mapping:
            rules_in(value)
            return str(yaml.serialize(value.node, Dumper=yaml.SafeDumper))
        text = value.text("rules, or the file that holds them") or ""
        return (self.folder / text).absolute() if text and self.beside(value, text) else None


def command(value: Value) -> tuple[str, ...]:
    """A command as a list of words."""
    items = value.items('a command as a list, such as [python3, -m, http.server, "80"]')
    argv = tuple(item.word("a word of the command") or "" for item in items)
    if value.is_list and not (argv and argv[0]):
        value.wrong("an empty command", "name a program")
    if any("\0" in word for word in argv):
        value.wrong("a word with a NUL in it", "leave it out")
    return argv


def restarts(value: Value) -> bool:
    """Whether a program that fails is started again."""
    return value.choose("on-failure", "never") != "never"


def name_services(value: Value) -> tuple[NameService, ...]:
    """An endpoint's `dns:`."""
    items = value.items("a list, such as [{servers: [self], search: [corp.example]}]")
    return tuple(name_service(item) for item in items)


def name_service(value: Value) -> NameService:
    """An entry of an endpoint's `dns:`."""
    fields = value.fields("servers", "search", "records")
    return NameService(
        servers=fields.read("servers", lambda value: value.texts(words.server), ()),
        search=fields.read("search", lambda value: value.texts(words.host), ()),
        records=fields.read("records", records, {}),
    )


def records(value: Value) -> dict[str, tuple[str, ...]]:
    """Addresses by domain name."""
    found = {}
    for name, item in value.entries("addresses by name, such as {db.corp.example: [10.20.0.5]}"):
        if len(name) > 253 or not words.DOMAIN.fullmatch(name.lower()):
            item.wrong(f"{name[:80]!r} is no domain name", "write one such as db.corp.example")
        found[name] = item.texts(words.address)
    return found
