"""From the text of a world file to a `Mesh`, or to every reason why not."""

from collections.abc import Callable
from pathlib import Path

from nsm.admission import files
from nsm.values import BadFile, Problem, Problems, Value, parse
from nsm.world import spec_words as words
from nsm.world.spec import Domain, Mesh
from nsm.world.spec_check import Facts, check
from nsm.world.spec_domain import IN_DOMAIN, DomainReader

Exists = Callable[[Path], bool]
FIX = "mend these lines; `nsm init` writes a file to start from"


def load(file: Path) -> Mesh:
    """The mesh in `file`; BadFile says everything that is wrong with it."""
    try:
        text = file.read_text()
    except OSError as error:
        missing = Problem(0, f"can't be read: {error.strerror}", "name a file that is there")
        raise BadFile(str(file), [missing], FIX) from error
    except UnicodeDecodeError as error:
        raise BadFile(str(file), [Problem(0, "is no text", "save it as UTF-8")], FIX) from error
    mesh = read(text, file)
    for domain in mesh.domains:
        if isinstance(domain.policy, Path):
            files.load(domain.policy)
    return mesh


def read(text: str, file: Path, exists: Exists = Path.is_file) -> Mesh:
    """The mesh that `text` describes; files it names stand beside `file`."""
    problems = Problems()
    root = parse(text, problems)
    if root is None:
        raise BadFile(str(file), problems.found, FIX)
    facts = Facts(problems)
    mesh = _mesh(root, file, facts, exists)
    check(facts)
    if problems.found:
        raise BadFile(str(file), problems.found, FIX)
    return mesh


def _mesh(root: Value, file: Path, facts: Facts, exists: Exists) -> Mesh:
    fields = root.fields("name", "domains", *IN_DOMAIN)
    name = _name(fields.get("name"), root, file.stem)
    if several := fields.get("domains"):
        for key in sorted(fields.found.keys() & set(IN_DOMAIN)):
            fields.found[key].wrong("stands beside domains:", "move it into one of the domains")
        readers = _domains(several, file, facts, exists)
        return Mesh(name=name, domains=readers, several=True)
    reader = DomainReader(name, "node-1", file.parent, exists, facts)
    return Mesh(name=name, domains=(reader.read(fields),))


def _name(given: Value | None, root: Value, stem: str) -> str:
    text = stem if given is None else given.text("a name")
    if text is not None:
        where = given or Value(root.node, "name (the file's own)", root.problems, root.line)
        words.check_name(where, text, words.MAX_MESH)
    return text or stem


def _domains(value: Value, file: Path, facts: Facts, exists: Exists) -> tuple[Domain, ...]:
    entries = list(value.entries("domains by name"))
    found = []
    for name, entry in entries:
        if not words.is_domain(name):
            entry.wrong(f"{name[:80]!r} is no domain", "write one such as alpha.example")
        node = "node-1" if len(entries) == 1 else f"{name.partition('.')[0]}-1"
        reader = DomainReader(name, node, file.parent, exists, facts)
        found.append(reader.read(entry.fields(*IN_DOMAIN)))
    return tuple(found)
