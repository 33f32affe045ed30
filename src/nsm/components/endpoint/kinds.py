"""The endpoints that come with the mesh, by the name they are run under."""

from collections.abc import Callable, Sequence

from nsm import program
from nsm.components.endpoint.config import FirewallConfig, PassthroughConfig
from nsm.components.endpoint.passing import firewall, passthrough
from nsm.endpoint.config import Config
from nsm.endpoint.serving import simple, worker

Main = Callable[[Sequence[str]], int]

KINDS: dict[str, Main] = {
    "icmp-responder": lambda argv: program.main(Config, worker(simple), argv),
    "passthrough": lambda argv: program.main(PassthroughConfig, worker(passthrough), argv),
    "firewall": lambda argv: program.main(FirewallConfig, worker(firewall), argv),
}
