"""What every program is run by: settings, logging, signals, identity, and an orderly end.

A program is a coroutine `work(config, program)`, which begins what the program does, says `ready`,
and returns. Told to stop, at whatever point, a program undoes what was registered with `at_exit`,
newest first, each within a bound. Then its tasks are stopped, and last of all goes what they stood
on (`at_last`).
"""

from nsm.program.reporting import STATUS_SOCKET, Reporter
from nsm.program.running import Program, place, unless
from nsm.program.settings import AdmittingSettings, Settings, WatchedSettings
from nsm.program.starting import listen_to_signals, live, main, start

__all__ = [
    "STATUS_SOCKET",
    "AdmittingSettings",
    "Program",
    "Reporter",
    "Settings",
    "WatchedSettings",
    "listen_to_signals",
    "live",
    "main",
    "place",
    "start",
    "unless",
]
