"""Settings that every program has, read all at once."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from nsm.config import ConfigError, setting
from nsm.program.settings import LEVELS, Level, Settings, settled, start_logging


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """A program's."""

    name: str = setting("it", "its name")
    patience: timedelta = setting("5s", "how long it waits")
    wanted: str = setting("", "what it wants")

    def check(self) -> None:
        if self.wanted == "moon":
            raise ConfigError("NSM_WANTED: not the moon")


COMMON = {
    "log_level": "INFO",
    "max_token_lifetime": timedelta(minutes=10),
    "spiffe_endpoint_socket": "unix:///run/spire/sockets/agent.sock",
    "open_telemetry_endpoint": "otel-collector.observability.svc.cluster.local:4317",
    "metrics_export_interval": timedelta(seconds=10),
    "pprof_enabled": False,
    "pprof_listen_on": "localhost:6060",
}


def test_what_all_programs_have_in_common_has_upstreams_defaults() -> None:
    config = settled(Config, {}, {})
    assert {name: getattr(config, name) for name in COMMON} == COMMON


def test_everything_wrong_with_a_program_and_those_it_holds_is_said_at_once() -> None:
    environ = {"NSM_PATIENCE": "soon", "NSM_LOG_LEVEL": "loud", "NSM_HELD_PATIENCE": "later"}
    with pytest.raises(ConfigError) as failure:
        settled(Config, environ, {"HELD": Config})
    assert all(f"{variable}={value!r}" in str(failure.value) for variable, value in environ.items())


def test_settings_that_do_not_fit_together_are_an_error() -> None:
    with pytest.raises(ConfigError, match="not the moon"):
        settled(Config, {"NSM_WANTED": "moon"}, {})
    with pytest.raises(ConfigError, match="not the moon"):
        settled(Config, {"NSM_HELD_WANTED": "moon"}, {"HELD": Config})


def test_what_is_said_in_a_section_is_not_said_to_the_program_around_it() -> None:
    assert settled(Config, {"NSM_HELD_PATIENCE": "9s"}, {"HELD": Config}).patience.seconds == 5


@pytest.mark.parametrize("text", ["INFO", "info", "Warn", "warning", "TRACE", "fatal", "panic"])
def test_levels_are_upstreams_in_any_case(text: str) -> None:
    assert Level.parse(text) == text.upper()


@pytest.mark.parametrize("text", ["", "loud", "INFO ", "10"])
def test_what_is_no_level_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not one of"):
        Level.parse(text)


@pytest.fixture
def _logging() -> Iterator[None]:
    """Logging as it was before, when the test is over."""
    root, ours = logging.getLogger(), logging.getLogger("nsm")
    before = root.handlers[:], root.level, ours.level
    root.handlers = []  # a test's own are not to be closed
    yield
    root.handlers, root.level, ours.level = before


@pytest.mark.usefixtures("_logging")
@pytest.mark.parametrize("level", LEVELS)
def test_a_level_lets_through_what_is_as_grave_and_no_less(level: str, capsys) -> None:
    start_logging(level)
    ours = logging.getLogger("nsm.anything")
    for name in ("debug", "info", "warning", "error", "critical"):
        ours.log(logging.getLevelNamesMapping()[name.upper()], "said %s", name)
    said = capsys.readouterr().err.count("said ")
    assert said == sum(number >= LEVELS[level] for number in (10, 20, 30, 40, 50))


@pytest.mark.usefixtures("_logging")
def test_others_libraries_do_not_chatter_at_any_level(capsys) -> None:
    start_logging("TRACE")
    logging.getLogger("asyncio").info("said")
    assert capsys.readouterr().err == ""
