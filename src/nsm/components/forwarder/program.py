"""The forwarder at work: what it stands on, and how it becomes known."""

from dataclasses import dataclass, field

from nsm.admission.standing import beside, globs, matching
from nsm.api.labels import Labels
from nsm.api.mechanism import KERNEL, VXLAN, Mechanism
from nsm.api.registration import Endpoint
from nsm.chains.needs import Needs
from nsm.chains.registry import endpoint_client, service_client
from nsm.components.forwarder.collecting import adopt, collect, give_way
from nsm.components.forwarder.config import Config
from nsm.components.forwarder.ground import Ground, ground
from nsm.components.forwarder.recipe import Parts, forwarder
from nsm.dataplane.facts import facts
from nsm.dataplane.vnis import Vnis
from nsm.elements.kernel import JoinNamespaces
from nsm.elements.mechanism import AcceptVxlan, OfferVxlan
from nsm.elements.policy import LimitCallers
from nsm.elements.registry import EndpointFiles, ReceiveFoundFile, SendEndpointFile
from nsm.nouns import replace
from nsm.program import Program
from nsm.sdk import END, Call, Element, Offer, Registry, Slot


@dataclass(frozen=True, kw_only=True)
class Forwarding:
    """A forwarder put together: what it offers, what it stands on, where it registers."""

    offer: Offer
    needs: Needs
    manager: Registry[Endpoint]
    registered: list[str] = field(default_factory=list)

    async def register(self, config: Config, url: str) -> Endpoint:
        """Make the manager know us, and keep it so."""
        labels = {config.ns_name: Labels(dict(config.labels))}
        record = Endpoint(config.name, (config.ns_name,), labels, url)
        answer = await self.manager.register(Call(), record)
        self.registered.append(answer.name)
        return answer


async def work(config: Config, program: Program) -> None:
    """Serve the manager of this node."""
    forwarding = await forward(config, program, await ground(config, program))
    await program.serve(forwarding.offer, [url := config.listen_on or program.own_socket()])
    await forwarding.register(config, url)
    program.ready()


async def forward(config: Config, program: Program, ground: Ground) -> Forwarding:
    """Put a forwarder together, on the kernel that is under it."""
    way = ground.way
    managers = config.manager_ids or globs(beside(program.identity.id))
    limit = LimitCallers(lambda id: matching(managers, id), "NSM_MANAGER_IDS")
    needs = replace(program.needs(config.dial_timeout, admins=config.monitor_admins), admit=limit)
    registry = program.registry_needs(config.dial_timeout, client=config.registry_client_policies)
    vnis = Vnis()
    ways = {
        KERNEL: Element(),
        VXLAN: AcceptVxlan(way.address, vnis, way.mtu, config.vxlan_port),
    }
    kernel, key = ground.kernel, ground.key
    join = JoinNamespaces(
        kernel, way.underlay, Slot[Mechanism](), alias=key.alias, namespace=ground.namespace
    )
    await adopt(join.wires, vnis, kernel, key, ground.spaces)
    program.holdings.built.by(
        lambda: [(id, *fact) for id, ops in join.wires.standing.items() for fact in facts(ops)]
    )
    program.holdings.vnis.by(lambda: vnis)
    collecting = collect(join.wires, vnis, kernel, key, program.clock, ground.spaces)
    program.tasks.start("collect", collecting)
    program.tasks.start("give way", give_way(join.wires, program.clock))
    offer = OfferVxlan(way.address, way.mtu, config.vxlan_port)
    found = ReceiveFoundFile(EndpointFiles(), program.clock)
    parts = Parts(
        services=service_client(registry, config.connect_to),
        endpoints=endpoint_client(registry, config.connect_to, found),
        ways={kind: link for kind, link in ways.items() if kind in ground.mechanisms},
        offer=offer if VXLAN in ground.mechanisms else Element(),
        join=join,
        authorize=program.next_hop(),
    )
    registered: list[str] = []
    program.holdings.registered.by(lambda: registered)
    return Forwarding(
        registered=registered,
        offer=Offer(connections=forwarder(needs, parts).bind(END), monitor=needs.events),
        needs=needs,
        manager=endpoint_client(registry, config.connect_to, SendEndpointFile()),
    )
