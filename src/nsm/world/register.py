"""The program that registers a world's services, whole, before its endpoints start."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

from nsm import program
from nsm.api.registration import NetworkService
from nsm.chains.registry import network_services, onward
from nsm.config import setting
from nsm.elements.registry import RetryRegistry
from nsm.program import Program, Settings
from nsm.sdk import Call, registry_chain


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """Settings of the registrar."""

    name: str = setting("services", "name of this program")
    registry_url: str = setting("tcp://localhost:5001", "the registry to register in")
    dial_timeout: timedelta = setting("5s", "how long reaching it may take")


async def work(services: Sequence[NetworkService], config: Config, program: Program) -> None:
    """Register all, and end; a failure ends it, too, and whoever started it tries again."""
    needs = program.registry_needs(config.dial_timeout)
    registry = registry_chain(RetryRegistry[NetworkService](program.clock)).bind(
        onward(needs, network_services, config.registry_url)
    )
    for service in services:
        await registry.register(Call(), service)
    program.stopping.set()


def main(argv: Sequence[str]) -> int:
    """Register the services in the file that is the argument."""
    services = msgspec.json.decode(Path(argv[0]).read_bytes(), type=list[NetworkService])
    return program.main(Config, lambda config, run: work(services, config, run), ())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
