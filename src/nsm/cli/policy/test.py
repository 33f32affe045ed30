"""`nsm policy test`: do the rules say what they are meant to?"""

from pathlib import Path

import click

from nsm.admission import cases, files
from nsm.cli.options import Json, output, say_json


@click.command("test")
@click.argument("file", type=click.Path(path_type=Path))
@output
def command(file: Path, output: str) -> int:
    """Run the cases in FILE, a file of admission rules.

    \b
    nsm policy test rules.yaml
    nsm policy test rules.yaml -o json | jq '.cases[] | select(.ok | not)'

    Exit code 0: all came out as expected; 1: not (which, and which rule decided); 2: bad file.
    """
    outcomes = cases.run(files.load(file))
    failed = [one for one in outcomes if not one.expected]
    if output == "json":
        say_json({"file": str(file), "ok": not failed, "cases": [told(one) for one in outcomes]})
        return 1 if failed else 0
    for one in failed:
        click.echo(
            f"{file}:{one.case.line}: {click.style('not as expected', fg='red')}: {say(one)}"
        )
    click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} cases are as expected")
    return 1 if failed else 0


def say(one: cases.Outcome) -> str:
    """What came of a case, for people."""
    asked = one.case.question
    may = "may" if one.verdict.allowed else "may not"
    return (
        f"{asked.who} {may} {asked.do} {asked.service}: {one.verdict} (expected {one.case.expect})"
    )


def told(one: cases.Outcome) -> Json:
    """The same, for programs."""
    asked, verdict = one.case.question, one.verdict
    return {
        "line": one.case.line,
        "who": asked.who,
        "do": asked.do,
        "service": asked.service,
        "expect": one.case.expect,
        "allowed": verdict.allowed,
        "rule": verdict.rule,
        "because": verdict.because,
        "ok": one.expected,
    }
