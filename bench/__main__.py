"""`python -m bench [NAME…] [--quick]`: run benches, keep what they found, and print one table."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from rich.console import Console
from rich.table import Table

from bench.figures import RESULTS, Figure, keep

BENCHES = {
    "connect": "vWires: one at a time, a hundred at once, and their end",
    "holding": "a node that holds nothing, a hundred, a thousand vWires",
    "healing": "silence and loss of a vWire when something dies",
    "enduring": "refreshes, a thousand at rest, a thousand and twenty clients after a restart",
    "carrying": "what a vWire carries, against interfaces made by hand",
    "starting": "a world, and a client, from start to first ping",
    "stopping": "SIGTERM to programs that hold a hundred vWires",
    "registry": "one client's questions, and a thousand watchers",
    "policies": "what a hop pays to judge whoever asks",
    "transport": "one call over mTLS, and a dial",
    "dataplane": "the kernel driver alone",
}


def main(words: Sequence[str]) -> int:
    """Run those named, or all."""
    quick = "--quick" in words
    names = [word for word in words if word != "--quick"] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        what = "\n".join(f"  {name:<11}{meaning}" for name, meaning in BENCHES.items())
        print(f"no bench {', '.join(unknown)}. There are, and --quick:\n{what}", file=sys.stderr)
        return 2
    if os.geteuid():
        print("benches make network namespaces: run them as root", file=sys.stderr)
        return 2
    # Programs are measured as they are installed: compiled once, not at every start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return asyncio.run(run(names, quick))


async def run(names: Sequence[str], quick: bool) -> int:
    """One bench after the other; one that fails is said and does not stop the rest."""
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    found: dict[str, list[Figure]] = {}
    failed = 0
    for name in names:
        print(f"{name}: {BENCHES[name]}…", file=sys.stderr, flush=True)
        try:
            found[name] = await keep(name, import_module(f"bench.{name}").measure, quick)
        except Exception as error:
            failed += 1
            print(f"{name} failed: {error}", file=sys.stderr)
    Console(width=max(130, Console().width)).print(table(found))
    load = ", ".join(f"{x:.2f}" for x in os.getloadavg())
    print(f"load average now {load}, {os.cpu_count()} processors; samples in {RESULTS}/")
    return 1 if failed else 0


def table(found: dict[str, list[Figure]]) -> Table:
    """Every figure beside its goal."""
    shown = Table(box=None, header_style="bold")
    shown.add_column("bench")
    shown.add_column("what")
    for heading in ("median", "p99", "goal"):
        shown.add_column(heading, justify="right")
    shown.add_column("met")
    shown.add_column("beside, in the same run")
    for name, figures in found.items():
        for figure in figures:
            shown.add_row(name, *row(figure))
    return shown


def row(figure: Figure) -> tuple[str, ...]:
    """One figure as a person reads it."""
    sign = "≥" if figure.at_least else "≤"
    goal = "" if figure.goal is None else f"{sign} {figure.goal:g}"
    if figure.goal_p99 is not None:
        goal += f", p99 ≤ {figure.goal_p99:g}"
    met = {None: "", True: "yes", False: "[red]no[/red]"}[figure.met]
    p99 = "" if figure.p99 is None else f"{figure.p99:.4g}"
    return (figure.name, f"{figure.value:.4g} {figure.unit}", p99, goal, met, figure.beside)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
