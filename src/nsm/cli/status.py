"""`nsm status`: what is there, and how it is."""

import time

import click

from nsm.cli.options import Json, control, mesh, output, say_json, table


@click.command("status")
@click.argument("name", required=False)
@click.option("--heals", is_flag=True, help="With -o json: how each vWire last healed, as well.")
@mesh
@output
def command(name: str | None, heals: bool, mesh: str | None, output: str) -> int:
    """Show the mesh NAME, or the only one that is up.

    \b
    nsm status
    nsm status lab -o json | jq '.workloads[].connections[].state'

    Exit code 0 when all is up, 1 when something is not.
    """
    found = control(name or mesh).ask("status")
    if output == "json":
        say_json(found if heals else agreed(found))
    else:
        show(found)
    return 0 if found["state"] == "up" else 1


def agreed(found: Json) -> Json:
    """What programs are told without asking for more: the fields that others count on."""
    return found | {"workloads": [workload(one) for one in found["workloads"]]}


def workload(found: Json) -> Json:
    """A workload with those fields."""
    wires = [{k: v for k, v in wire.items() if k != "healed"} for wire in found["connections"]]
    return found | {"connections": wires}


def show(found: Json) -> None:
    """The status, for people."""
    click.echo(f"mesh {click.style(found['mesh'], bold=True)}: {found['state']}\n")
    processes = [
        (
            one["name"],
            one["state"],
            one["pid"],
            f"{one['rss_mb']:.0f}",
            one["cpu_s"],
            one["restarts"],
        )
        for one in found["processes"]
    ]
    table(("PROCESS", "STATE", "PID", "MB", "CPU s", "RESTARTS"), processes)
    endpoints = [
        (one["name"], one["state"], one["node"], one["services"], one["connections"])
        for one in found["endpoints"]
    ]
    click.echo()
    table(("ENDPOINT", "STATE", "NODE", "SERVES", "VWIRES"), endpoints)
    click.echo()
    rows = [vwire(one, wire) for one in found["workloads"] for wire in one["connections"]]
    table(VWIRE, rows)
    if any(CLEAR in str(row[BY]) for row in rows):
        click.echo(f"\n{CLEAR}: between nodes, what it carries is not encrypted")
    if told := healed(found):
        click.echo("\n" + "\n".join(told))
    for workload in found["workloads"]:
        for wire in workload["connections"]:
            if wire["error"]:
                complain(workload["name"], wire)


VWIRE = (
    "WORKLOAD",
    "VWIRE",
    "STATE",
    "SERVICE",
    "ENDPOINT",
    "OWN",
    "OTHER",
    "BY",
    "MTU",
    "MS",
    "HEALS",
)


BY = VWIRE.index("BY")
IN_CLEAR = ("VXLAN",)
"""Mechanisms between nodes that carry what they are given as it is."""
CLEAR = "(clear)"


def vwire(workload: Json, wire: Json) -> tuple[object, ...]:
    """One row of the table of vWires."""
    state = "down" if workload["state"] == "down" else wire["state"]
    by = "/".join(kind.lower() for kind in (wire["mechanism"], wire["remote_mechanism"]) if kind)
    by += f" {CLEAR}" if wire["remote_mechanism"] in IN_CLEAR else ""
    return (
        workload["name"],
        wire["interface"],
        state,
        wire["service"],
        wire["endpoint"],
        wire["src"],
        wire["dst"],
        by or None,
        wire["mtu"],
        wire["connect_ms"],
        wire["heals"],
    )


def healed(found: Json) -> list[str]:
    """The last time each vWire broke: who died, when it was noticed, when it was carried again."""
    wires = [(one["name"], wire) for one in found["workloads"] for wire in one["connections"]]
    broke = [(name, wire) for name, wire in wires if wire.get("healed")]
    broke.sort(key=lambda one: one[1]["healed"]["noticed_at"])
    return [heal(name, wire) for name, wire in broke]


def heal(workload: str, wire: Json) -> str:
    """One of them as a line."""
    last = wire["healed"]
    at = last["noticed_at"]
    when = f"{time.strftime('%H:%M:%S', time.localtime(at))}.{int(at * 10 % 10)}"
    who = f"{last['died']} died: " if last["died"] else ""
    if last["ms"] is None:
        then = "not carried again yet"
    else:
        then = f"carried again after {last['ms']:.0f} ms, by {wire['endpoint']}"
    return f"{when}  {workload} {wire['interface'] or wire['url']}: {who}{last['noticed']}; {then}"


def complain(workload: str, wire: Json) -> None:
    """Why a vWire is not up."""
    error = wire["error"]
    where = f" at {error['hop']}" if error["hop"] else ""
    click.echo(f"\n{workload} {wire['url']}: {error['cause']}{where}")
    if error["fix"]:
        click.echo(f"  {click.style('fix', fg='green')}: {error['fix']}")
