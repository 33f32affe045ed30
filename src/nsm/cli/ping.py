"""`nsm ping`: through a vWire, with loss and round-trip."""

from ipaddress import ip_address, ip_interface
from pathlib import Path

import click

from nsm.cli.options import Duration, Json, control, mesh, need_root, output, say_json
from nsm.errors import NotFound, Unreachable
from nsm.world.ping import Course, Echo, Summary, ping, route


@click.command("ping")
@click.argument("who")
@click.argument("what", metavar="SERVICE-OR-ADDRESS")
@click.option("-c", "--count", type=click.IntRange(1, 100_000), default=4, show_default=True)
@click.option("-i", "--interval", type=Duration(), default="200ms", show_default=True)
@click.option("-W", "--patience", type=Duration(), default="1s", show_default=True)
@mesh
@output
def command(who: str, what: str, mesh: str | None, output: str, **pace: float) -> int:
    """Ping from WHO through its vWire to a service, or to an address.

    \b
    nsm ping web secure-gateway
    nsm ping web 172.16.1.0 -c 100 -i 10ms
    nsm ping web 2001:db8:1::1

    Exit code 0 when something came back, 1 when nothing did.
    """
    need_root("pinging from a namespace")
    asked = control(mesh)
    place = asked.ask("place", who=who)
    address, interface = target(asked.ask("status"), place["name"], what)
    netns = Path(place["netns"])
    course = Course(
        netns=netns,
        address=address,
        interface=interface,
        count=int(pace["count"]),
        interval=pace["interval"],
        patience=pace["patience"],
    )
    echoes = []
    for echo in ping(course):
        echoes.append(echo)
        if output == "text":
            say(address, echo)
    summary = Summary.of(echoes)
    if output == "json":
        say_json(told(summary, interface or route(netns, address), address))
    else:
        total(summary)
    return 0 if summary.received else 1


def target(status: Json, who: str, what: str) -> tuple[str, str]:
    """The address behind a service or an address, and the vWire's interface, if it is one's."""
    wires = [
        wire for one in status["workloads"] if one["name"] == who for wire in one["connections"]
    ]
    try:
        wanted = ip_address(what)
    except ValueError:
        return _service(wires, who, what)
    for wire in wires:
        if any(ip_interface(dst).ip == wanted for dst in wire["dst"]):
            return str(wanted), wire["interface"]
    return str(wanted), ""


def _service(wires: list[Json], who: str, service: str) -> tuple[str, str]:
    named = [wire for wire in wires if wire["service"] in (service, service.partition("@")[0])]
    if not named:
        known = ", ".join(sorted({wire["service"] for wire in wires})) or "none"
        fix = f"its services are: {known}; or give an address"
        raise NotFound(f"{who} has no vWire to {service!r}", fix=fix)
    for wire in sorted(named, key=lambda wire: wire["state"] != "up"):  # one that heals may carry
        if wire["dst"] and wire["interface"]:
            return str(ip_interface(wire["dst"][0]).ip), wire["interface"]
    fix = f"`nsm status` says why; `nsm logs {who}` more"
    raise Unreachable(f"the vWire of {who} to {service} is {named[0]['state']}", fix=fix)


def say(address: str, echo: Echo) -> None:
    """One echo, for people."""
    if echo.rtt_ms is None:
        click.echo(f"no answer from {address}: seq={echo.sequence}")
    else:
        click.echo(f"answer from {address}: seq={echo.sequence} time={echo.rtt_ms:.3f} ms")


def total(summary: Summary) -> None:
    """All of them, for people."""
    times = summary.times()
    click.echo(f"{summary.sent} sent, {summary.received} received, {summary.loss:.0%} lost")
    if summary.received:
        low, mean, high = times["min"], times["avg"], times["max"]
        click.echo(f"round-trip least/mean/most {low:.3f}/{mean:.3f}/{high:.3f} ms")


def told(summary: Summary, interface: str, address: str) -> Json:
    """All of them, for programs."""
    return {
        "sent": summary.sent,
        "received": summary.received,
        "loss": summary.loss,
        "rtt_ms": summary.times(),
        "interface": interface,
        "address": address,
    }
