"""What every program's settings have in common, and how they are read."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Self, TypeVar

from nsm.admission.glob import IdGlob
from nsm.config import ConfigError, Url, load, setting

LEVELS = {
    "TRACE": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
    "PANIC": logging.CRITICAL,
}
"""Upstream's names for how much is said."""


class Level(str):
    """One of `LEVELS`, in any case."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it; ValueError for what is none."""
        if text.upper() not in LEVELS:
            raise ValueError(f"not one of {', '.join(LEVELS)}")
        return cls(text.upper())


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every program's settings have in common."""

    name: str = setting(meaning="name of this program, unique in its domain")
    log_level: Level = setting("INFO", "TRACE, DEBUG, INFO, WARN, ERROR or FATAL")
    max_token_lifetime: timedelta = setting("10m", "how long a token we sign stays good")
    spiffe_endpoint_socket: Url = setting(
        "unix:///run/spire/sockets/agent.sock",
        "where the SPIFFE Workload API gives us our identity",
        variable="SPIFFE_ENDPOINT_SOCKET",
    )
    open_telemetry_endpoint: str = setting(
        "otel-collector.observability.svc.cluster.local:4317",
        "accepted for upstream's manifests; nothing is sent there yet",
    )
    metrics_export_interval: timedelta = setting("10s", "as open telemetry endpoint")
    pprof_enabled: bool = setting("false", "accepted; there is no pprof in Python")
    pprof_listen_on: str = setting("localhost:6060", "accepted; there is no pprof in Python")

    def check(self) -> None:
        """Raise ConfigError for what only all settings together show to be wrong."""


@dataclass(frozen=True, kw_only=True)
class WatchedSettings(Settings):
    """Settings of programs whose connections can be watched."""

    monitor_admins: tuple[IdGlob, ...] = setting(
        "", "globs over ids: who may watch all connections; others watch those they are part of"
    )


@dataclass(frozen=True, kw_only=True)
class AdmittingSettings(Settings):
    """Settings of programs that admit others."""

    admission_rules: tuple[str, ...] = setting(
        "",
        "files of admission rules; read again when they change; empty: our trust domain may do all",
    )
    forwarder_ids: tuple[IdGlob, ...] = setting(
        "",
        "globs over ids: who may be a forwarder, and is believed about whom it asks for;"
        " empty: ids beside our own, as spiffe://domain/ns/nsm-system/*",
    )


C = TypeVar("C", bound=Settings)
ALONE: Mapping[str, type[Settings]] = MappingProxyType({})


def settled(kind: type[C], environ: Mapping[str, str], held: Mapping[str, type[Settings]]) -> C:
    """The settings of a program and of those it holds, all complaints at once."""
    wrong: list[str] = []
    read: list[Any] = []
    for section, part in (("", kind), *held.items()):
        try:
            read.append(load(part, environ, section))
            read[-1].check()
        except ConfigError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError("; ".join(wrong))
    found: C = read[0]
    return found


def start_logging(level: str) -> None:
    """Log to standard error, one line an event."""
    logging.basicConfig(
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr, force=True
    )
    logging.getLogger().setLevel("WARNING")
    logging.getLogger("nsm").setLevel(LEVELS[level])
