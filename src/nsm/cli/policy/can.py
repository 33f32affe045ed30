"""`nsm policy can`: may somebody use, serve or register a service, and which rule says so?"""

from pathlib import Path

import click

from nsm.admission import Question, Rules, Step, Verdict, explain, files, foresee
from nsm.admission.reading import moment
from nsm.admission.rules import DEEDS, PROVEN, USE, VOUCHED
from nsm.api.names import split
from nsm.cli.options import Json, control, home, mesh, output, say_json
from nsm.errors import Invalid
from nsm.identity.spiffe import SpiffeId
from nsm.sdk import Clock
from nsm.world.rulings import Asker, asker, rules_of

SUPPOSED = ("endpoint", "payload", "mechanism")


@click.command("can")
@click.argument("who")
@click.argument("service")
@click.option("--explain", "wordy", is_flag=True, help="Say what each rule makes of it.")
@click.option("--do", type=click.Choice(DEEDS), default=USE, show_default=True)
@click.option("--label", "labels", multiple=True, metavar="K=V", help="Asked with this label.")
@click.option("--rules", type=click.Path(path_type=Path), help="A file, not the rules of a mesh.")
@click.option("--endpoint", metavar="ID", help="Suppose this one answers.")
@click.option("--payload", help="Suppose this is carried.")
@click.option("--mechanism", help="Suppose it is built so.")
@click.option("--node", help="Suppose WHO is there.")
@click.option("--verified", type=click.Choice([PROVEN, VOUCHED]), default=PROVEN)
@click.option("--at", metavar="HH:MM", help="At this time, UTC; else now.")
@mesh
@output
def command(who: str, service: str, mesh: str | None, output: str, **said: object) -> int:
    """Say whether WHO may use SERVICE: a workload, an endpoint, or any SPIFFE id.

    \b
    nsm policy can db secure-gateway --explain
    nsm policy can spiffe://lab/ns/lab/new secure-gateway --label app=web
    nsm policy can spiffe://lab/web vpn --rules rules.yaml --at 23:30
    nsm policy can gateway secure-gateway --do serve

    Exit code 0: yes; 1: no, or that depends; 2: the rules are wrong.
    """
    known, rules = _known(who, mesh, said["rules"])
    asked = question(known, service, said)
    verdict, steps = foresee(rules, asked), explain(rules, asked)
    if output == "json":
        say_json(told(asked, verdict, steps if said["wordy"] else ()))
    else:
        click.echo(sentence(asked, verdict))
        for step in steps if said["wordy"] else ():
            click.echo(f"  {line(step)}")
    return 0 if verdict and verdict.allowed else 1


def _known(who: str, mesh: str | None, file: object) -> tuple[Asker, Rules]:
    if isinstance(file, Path):
        return Asker(who, SpiffeId.parse(who).trust_domain), files.load(file)
    found = asker(control(mesh).ask("status"), who)
    return found, rules_of(home(mesh), found.domain)


def question(asker: Asker, service: str, said: dict[str, object]) -> Question:
    """What the rules are asked."""
    texts = {key: str(value) for key, value in said.items() if isinstance(value, str)}
    plain, domain = split(service)
    now = int(Clock().now() // 60)
    return Question(
        do=texts["do"],
        who=asker.id,
        service=plain,
        domain=domain or asker.domain,
        labels=labels(said["labels"]),
        node=texts.get("node", asker.node),
        verified=texts["verified"],
        minute=minute(texts["at"]) if "at" in texts else now,
        endpoint=asker.id if texts["do"] != USE else texts.get("endpoint"),
        payload=texts["payload"].upper() if "payload" in texts else None,
        mechanism=texts["mechanism"].upper() if "mechanism" in texts else None,
    )


def labels(said: object) -> dict[str, str]:
    """Labels as they are written on the command line."""
    pairs = [text.partition("=") for text in said] if isinstance(said, tuple) else []
    for key, equals, _ in pairs:
        if not equals or not key:
            raise Invalid(f"{key!r} is no label", fix="write --label app=web")
    return {key: value for key, _, value in pairs}


def minute(text: str) -> int:
    """The minute of the day."""
    if (found := moment(text)) is None:
        raise Invalid(f"{text[:20]!r} is no time", fix="write --at 09:30")
    return found


def sentence(asked: Question, verdict: Verdict | None) -> str:
    """The answer, for people."""
    what = f"{asked.do} {asked.service}"
    if verdict is None:
        unsaid = " or ".join(f"--{key}" for key in SUPPOSED if getattr(asked, key) is None)
        return f"{asked.who} may perhaps {what}: that depends; say {unsaid}, or --explain"
    may = "may" if verdict.allowed else "may not"
    shown = click.style(may, fg="green" if verdict.allowed else "red")
    return f"{asked.who} {shown} {what}: {verdict}"


def line(step: Step) -> str:
    """What a rule makes of it, for people."""
    does = "allows" if step.rule.allow else "denies"
    if step.applies:
        return f"{step.rule.name}: applies, and {does}"
    if step.applies is None:
        return f"{step.rule.name}: {does}, if {step.obstacle} is as it says"
    return f"{step.rule.name}: does not apply ({step.obstacle})"


def told(asked: Question, verdict: Verdict | None, steps: tuple[Step, ...]) -> Json:
    """The answer, for programs; `allowed` is null where that depends."""
    return {
        "who": asked.who,
        "do": asked.do,
        "service": asked.service,
        "labels": dict(asked.labels),
        "allowed": verdict.allowed if verdict else None,
        "rule": verdict.rule if verdict else None,
        "because": verdict.because if verdict else None,
        "steps": [
            {"rule": step.rule.name, "applies": step.applies, "obstacle": step.obstacle or None}
            for step in steps
        ],
    }
