"""`nsm-sim`: live through what a seed says, or through many seeds."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from logging import CRITICAL, disable
from time import perf_counter
from typing import Any

import click

from nsm.sim.run import Outcome, run
from nsm.sim.shrink import shrunk
from nsm.sim.story import SIZES, Story, told
from nsm.sim.workers import tidy, workers


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the command line says."""

    seed: int | None
    seeds: str | None
    size: str
    shrink: bool
    every_line: bool
    jobs: int
    output: str


def parse(text: str) -> range:
    """`A..B`, both included, or one number."""
    first, dots, last = text.partition("..")
    try:
        return range(int(first), int(last if dots else first) + 1)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no range of seeds; such as 0..99") from None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("seed", type=int, required=False)
@click.option("--seeds", metavar="A..B", help="Many, and only what went wrong is told.")
@click.option("--size", type=click.Choice(list(SIZES)), default="small", show_default=True)
@click.option("--shrink", is_flag=True, help="Find the shortest story that fails so.")
@click.option("--every-line", is_flag=True, help="Tell each message, not only the turns.")
@click.option("-j", "--jobs", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(**options: Any) -> None:
    """Live a whole mesh through what SEED says goes wrong, on virtual time.

    \b
    nsm-sim 42                     the story of seed 42, as a timeline
    nsm-sim 42 --shrink            the shortest story that still fails
    nsm-sim --seeds 0..999 -j2     a thousand stories; which fail, and why
    nsm-sim --seeds 0..19 --size large

    Exit code 0: everything held; 1: something did not, and it is said what.
    """
    sys.exit(answer(Wish(**options)))


def main() -> None:
    """The command `nsm-sim`."""
    command()


def answer(wish: Wish) -> int:
    """Do what was asked; the exit code."""
    if (wish.seed is None) == (wish.seeds is None):
        raise click.UsageError("say one SEED, or --seeds A..B")
    with _quiet(), tidy():
        if wish.seeds is not None:
            return many(parse(wish.seeds), wish)
        story = told(wish.seed or 0, wish.size)
        if wish.shrink:
            story = shrunk(story, lambda one: not run(one).good)
        return tell(run(story, keep=wish.every_line), wish.output)


def tell(outcome: Outcome, output: str) -> int:
    """One story, for people or for programs."""
    if output == "json":
        click.echo(json.dumps(asdict(outcome)))
        return 0 if outcome.good else 1
    click.echo(f"{outcome.story}\n")
    for when, who, what in outcome.lines:
        click.echo(f"{when:8.3f} s  {who:<16} {what}")
    click.echo(f"\n{verdict(outcome)}")
    return 0 if outcome.good else 1


def verdict(outcome: Outcome) -> str:
    """How it went, in a line or a few."""
    if outcome.good:
        return f"all held, for {outcome.virtual:.0f} s; trace {outcome.digest}"
    return "\n".join([*outcome.problems, f"trace {outcome.digest}"])


def many(seeds: range, wish: Wish) -> int:
    """Many stories side by side; only what went wrong is told."""
    begun, wrong, done = perf_counter(), [], 0
    for outcome in outcomes(seeds, wish.size, wish.jobs):
        done += 1
        if not outcome.good:
            wrong.append({"seed": outcome.story.seed, "problems": outcome.problems})
            if wish.output == "text":
                click.echo(f"seed {outcome.story.seed}: {'; '.join(outcome.problems[:3])}")
        if sys.stderr.isatty():
            click.echo(f"\r{done} of {len(seeds)}, {len(wrong)} failed", nl=False, err=True)
    pace = done / max(perf_counter() - begun, 1e-9) * 60
    if wish.output == "json":
        click.echo(json.dumps({"seeds": done, "a_minute": round(pace), "failed": wrong}))
    else:
        click.echo(f"{done} stories, {len(wrong)} failed, {pace:.0f} a minute")
    return 1 if wrong else 0


def outcomes(seeds: range, size: str, jobs: int) -> Iterator[Outcome]:
    """How each went, in order."""
    live = partial(_live, size=size)
    if jobs == 1:
        yield from map(live, seeds)
        return
    try:
        with workers(jobs) as pool:
            yield from pool.map(live, seeds)
    except BrokenProcessPool:
        raise click.ClickException("a worker was killed; if for want of memory, try -j1") from None


def _live(seed: int, size: str) -> Outcome:
    story: Story = told(seed, size)
    return run(story)


@contextmanager
def _quiet() -> Iterator[None]:
    """What programs log is their story's, not ours."""
    disable(CRITICAL)
    try:
        yield
    finally:
        disable(0)


if __name__ == "__main__":
    main()
