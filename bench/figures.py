"""What a bench says: figures beside their goals, every sample, and who else used the machine."""

import json
import os
import platform
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from statistics import median, quantiles
from time import perf_counter

RESULTS = Path(__file__).parent / "results"
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of the table; `goal` is a ceiling, or a floor where `at_least`; None: no goal."""

    name: str
    value: float
    unit: str = "ms"
    goal: float | None = None
    at_least: bool = False
    p99: float | None = None
    goal_p99: float | None = None
    beside: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        reached = self.value >= self.goal if self.at_least else self.value <= self.goal
        return reached and (self.goal_p99 is None or (self.p99 or 0.0) <= self.goal_p99)


@dataclass
class Report:
    """What one bench found; `raw` holds every sample of every run."""

    figures: list[Figure] = field(default_factory=list)
    raw: dict[str, object] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str = "ms", **more: object) -> None:
        """Add a figure."""
        self.figures.append(Figure(name=name, value=round(value, 4), unit=unit, **more))

    def times(self, name: str, runs: Sequence[Sequence[float]], **more: object) -> None:
        """A figure of seconds, in ms: the median of the runs' medians, the p99 of all together."""
        every = [sample * 1e3 for run in runs for sample in run]
        middle = median(median(run) for run in runs) * 1e3
        self.raw[name] = [[round(sample * 1e3, 4) for sample in run] for run in runs]
        self.add(name, middle, p99=round(p99(every), 3), **more)


def p99(samples: Sequence[float]) -> float:
    """The 99th percentile; of fewer than a hundred the worst."""
    return max(samples) if len(samples) < 100 else quantiles(samples, n=100)[98]


async def timed(work: Awaitable[object]) -> float:
    """Seconds it takes."""
    begun = perf_counter()
    await work
    return perf_counter() - begun


def cpu(pid: int) -> float:
    """Seconds of CPU a process has used, and those it waited for."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICK


def rss(pid: int) -> float:
    """MB of memory a process has resident."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass
class Neighbours:
    """Who else used the machine while a bench ran."""

    load: list[float] = field(default_factory=lambda: [round(x, 2) for x in os.getloadavg()])
    busy: float = field(default_factory=lambda: machine_busy())
    ours: float = field(default_factory=lambda: our_cpu())
    begun: float = field(default_factory=perf_counter)

    def told(self) -> dict[str, object]:
        """Load averages, and the share of the machine that others took."""
        took = (perf_counter() - self.begun) * (os.cpu_count() or 1)
        foreign = machine_busy() - self.busy - (our_cpu() - self.ours)
        return {
            "load_before": self.load,
            "load_after": [round(x, 2) for x in os.getloadavg()],
            "cpu_of_others": round(max(0.0, foreign / took), 3),
        }


def machine_busy() -> float:
    """Seconds all processors together were not idle."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _wait, irq, soft, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / TICK


def our_cpu() -> float:
    """Seconds this process and all its children used, dead or alive."""
    own = sum(u.ru_utime + u.ru_stime for u in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))
    return own + sum(cpu(pid) for pid in children())


def children() -> list[int]:
    """Processes started by this one."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{int(entry)}/stat") as stat:
                if int(stat.read().rpartition(")")[2].split()[1]) == os.getpid():
                    found.append(int(entry))
        except (ValueError, OSError):
            continue
    return found


def machine() -> dict[str, object]:
    """What it was measured on."""
    with open("/proc/cpuinfo") as info:
        models = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": git("rev-parse", "--short", "HEAD"),
        "changed": bool(git("status", "--porcelain", "--", "src")),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "processor": models[0] if models else platform.machine(),
        "processors": os.cpu_count(),
    }


def git(*words: str) -> str:
    """What git says here, or nothing."""
    ran = subprocess.run(("git", *words), capture_output=True, text=True, check=False)
    return ran.stdout.strip()


async def keep(
    name: str, measure: Callable[[bool], Awaitable[Report]], quick: bool
) -> list[Figure]:
    """Run a bench and write down everything it found."""
    neighbours = Neighbours()
    report = await measure(quick)
    told = {
        "bench": name,
        "quick": quick,
        "machine": machine(),
        "neighbours": neighbours.told(),
        "figures": [{**asdict(figure), "met": figure.met} for figure in report.figures],
        "raw": report.raw,
    }
    RESULTS.mkdir(exist_ok=True)
    unfinished = RESULTS / f"{name}.json.tmp"
    unfinished.write_text(json.dumps(told, indent=1) + "\n")
    unfinished.rename(RESULTS / f"{name}.json")
    return report.figures
