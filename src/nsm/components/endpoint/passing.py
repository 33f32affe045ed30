"""Endpoints that pass on, at work: the passthrough, and the firewall that holds some of it back."""

from pathlib import Path

import yaml

from nsm.api.mechanism import Mechanism
from nsm.chains.needs import Needs
from nsm.components.endpoint.config import FirewallConfig, PassthroughConfig
from nsm.components.endpoint.recipe import Parts
from nsm.components.endpoint.recipe import passthrough as recipe
from nsm.dataplane.carrier import Carrier
from nsm.dataplane.facts import TABLE
from nsm.dataplane.forward import PASS_ALL
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.netns import Netns
from nsm.dataplane.rules import Rules, acl, written
from nsm.elements.discovery import ReplaceService
from nsm.elements.kernel import CarryThrough
from nsm.elements.lifecycle import CloseAtEnd
from nsm.endpoint.serving import idle, kept
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.program import Program
from nsm.sdk import Chain, Element, Handler, Slot


async def passthrough(config: PassthroughConfig, program: Program, needs: Needs) -> Chain[Handler]:
    """The chain of an endpoint that lets everything through."""
    return await passing(config, program, needs, PASS_ALL)


async def firewall(config: FirewallConfig, program: Program, needs: Needs) -> Chain[Handler]:
    """The chain of an endpoint that lets through what its rules allow."""
    return await passing(config, program, needs, rules(config))


async def passing(
    config: PassthroughConfig, program: Program, needs: Needs, rules: Rules
) -> Chain[Handler]:
    """Put it together on the kernel of the endpoint's namespace; bad rules are said at once."""
    kernel, netns = Kernel(program.clock), Netns.open(f"file://{config.netns}")
    program.at_last(kernel.close)
    carrier = Carrier(kernel, netns, program.tasks)
    program.holdings.sockets.by(lambda: [kernel.sockets, carrier.listens])
    program.holdings.built.by(lambda: [("", netns.key.ino, TABLE, t, "") for t in carrier.tables])
    await carrier.check(rules)
    carry = CarryThrough(carrier, netns, Slot[Mechanism](), rules)
    return leading_on(config, program, needs, carry)


def leading_on(
    config: PassthroughConfig, program: Program, needs: Needs, carry: CarryThrough
) -> Chain[Handler]:
    """The same, on whatever carries; what it led on is closed at the end, when nobody can ask."""
    ending = CloseAtEnd(program.clock)
    program.at_exit(ending.end)
    onward = next(iter(config.network_services), None)
    parts = Parts(
        asker=replace(needs, name=f"{config.name}-client"),
        idle=idle(config, program),
        ending=ending,
        carry=carry,
        service=ReplaceService(onward.service) if onward else Element(),
        interface=onward.interface if onward else "",
        labels=onward.labels if onward else config.labels,
        authorize=program.next_hop(),
        notes=kept(config, program),
    )
    return recipe(config, needs, parts)


def rules(config: FirewallConfig) -> Rules:
    """What NSM_ACL_CONFIG says, or else the file; no file lets everything through."""
    path, text = Path(config.acl_config_path), config.acl_config
    if not text and not path.is_file():
        return PASS_ALL
    try:
        said = yaml.safe_load(text or path.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise Invalid(f"no firewall rules in {path}: {error}") from None
    match said:
        case None:
            return PASS_ALL
        case list() if all(isinstance(line, str) for line in said):
            return written(said)
        case dict() if all(isinstance(entry, dict) for entry in said.values()):
            return acl(said)
    raise Invalid(
        "firewall rules are neither a list of nft expressions nor a map of ACL entries",
        fix='write ["icmp type echo-request accept", "drop"]',
    )
