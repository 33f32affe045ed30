"""What registries, managers and their clients are made of (W §3.3, §3.5, §3.6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nsm.admission import Admission
from nsm.admission.standing import anyone
from nsm.api.registration import Endpoint, NetworkService, R
from nsm.elements.policy import (
    AdmitRegistration,
    AuthorizeRegistration,
    AuthorizeRegistrationClient,
    LimitForwarders,
)
from nsm.elements.registry import (
    AskRegistry,
    BeginRegistration,
    BypassLocally,
    CheckRecord,
    DescribeEndpoint,
    DialRegistry,
    EndpointFiles,
    Expire,
    FollowEndpoints,
    FollowServices,
    HealFind,
    HealRegistration,
    KeepRegistered,
    RecallFound,
    ReceiveEndpointFile,
    RefreshRegistration,
    Remember,
    RetryRegistry,
    SendFoundFile,
    SetPayload,
    StampTime,
    StoreRecords,
    SwitchInterdomain,
    UpdateTokenPath,
)
from nsm.identity.policies import Policies
from nsm.sdk import (
    Chain,
    Channel,
    Clock,
    Dialer,
    Link,
    Offer,
    Registry,
    Tasks,
    Tokens,
    registry_chain,
)
from nsm.sdk.registry import NowhereElse
from nsm.store import Shelves


@dataclass(frozen=True, kw_only=True)
class RegistryNeeds:
    """A program's collaborators, and what it asks of registrants (`server`) and of registries.

    `dial_timeout` is in seconds; None leaves it to the caller's deadline.
    """

    tokens: Tokens
    dialer: Dialer
    server: Policies
    client: Policies
    admission: Admission = field(default_factory=anyone)
    tasks: Tasks = field(default_factory=Tasks)
    clock: Clock = field(default_factory=Clock)
    dial_timeout: float | None = 0.3


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much a registry keeps."""

    records: int = 100_000
    watchers: int = 100_000


BOUNDS = Bounds()
OUTAGE = 3600.0
"""Seconds a node goes on without a registry."""


@dataclass(frozen=True, kw_only=True)
class ManagerRegistries:
    """What a manager serves, and, with the own URLs of local endpoints, what it asks itself."""

    services: Registry[NetworkService]
    endpoints: Registry[Endpoint]
    local: Registry[Endpoint]

    @property
    def offer(self) -> Offer:
        """What others may ask."""
        return Offer(network_services=self.services, endpoints=self.endpoints)


def network_services(channel: Channel) -> Registry[NetworkService]:
    """The peer's registry of network services."""
    return channel.network_services


def endpoints(channel: Channel) -> Registry[Endpoint]:
    """The peer's registry of endpoints."""
    return channel.endpoints


def memory_registry(needs: RegistryNeeds, proxy: str = "", keep: Bounds = BOUNDS) -> Offer:
    """A registry that keeps everything in memory, and asks `proxy` about other domains."""
    return _registry(
        needs,
        proxy,
        Remember[NetworkService](keep.records, keep.watchers),
        Remember[Endpoint](keep.records, keep.watchers),
    )


def stored_registry(
    needs: RegistryNeeds, store: Shelves, proxy: str = "", keep: Bounds = BOUNDS
) -> Offer:
    """The same, and what it keeps, and whose names are, outlives it in `store`."""
    bounds, tasks, clock = (keep.records, keep.watchers), needs.tasks, needs.clock
    return _registry(
        needs,
        proxy,
        StoreRecords(store.shelf(NetworkService), tasks, clock, *bounds),
        StoreRecords(store.shelf(Endpoint), tasks, clock, *bounds),
    )


def manager_registries(
    needs: RegistryNeeds,
    own_url: str,
    registry_url: str,
    labels: Mapping[str, str],
    outage: float = OUTAGE,
) -> ManagerRegistries:
    """What a node sees of the registry at `registry_url`; with none, what its memory holds.

    For `outage` seconds the node goes on with what it knows while that registry is away.
    """
    services, everything = _behind(needs, registry_url, outage)
    files = EndpointFiles()
    local = registry_chain(BypassLocally(own_url)).bind(everything)
    return ManagerRegistries(
        local=local,
        services=registry_chain(
            answering(
                needs,
                AuthorizeRegistration[NetworkService](
                    needs.server,
                    needs.clock,
                    elsewhere=bool(registry_url),
                    believes=needs.admission.believes,
                ),
            ),
        ).bind(services),
        endpoints=registry_chain(
            answering(
                needs,
                AuthorizeRegistration[Endpoint](
                    needs.server, needs.clock, believes=needs.admission.believes
                ),
            ),
            LimitForwarders(needs.admission),
            BeginRegistration[Endpoint](needs.tasks, needs.clock),
            DescribeEndpoint(labels),
            Expire(needs.clock),
            ReceiveEndpointFile(files),
            SendFoundFile(files, needs.admission.believes, own_url),
        ).bind(local),
    )


def service_client(
    needs: RegistryNeeds, to: str = "", *additional: Link[Registry[NetworkService]]
) -> Registry[NetworkService]:
    """Ask the registry at `to`, or where the call is on its way; what is registered stays so."""
    return registry_chain(
        BeginRegistration[NetworkService](needs.tasks, needs.clock),
        RetryRegistry[NetworkService](needs.clock, to=to),
        HealFind[NetworkService](needs.clock),
        HealRegistration[NetworkService](needs.tasks, needs.clock),  # sees its own watch end
        asking(needs, network_services, to, *additional),
    ).bind(NowhereElse())


def endpoint_client(
    needs: RegistryNeeds, to: str = "", *additional: Link[Registry[Endpoint]]
) -> Registry[Endpoint]:
    """The same for endpoints, which must also be registered anew before they expire."""
    return registry_chain(
        BeginRegistration[Endpoint](needs.tasks, needs.clock),
        RetryRegistry[Endpoint](needs.clock, to=to),
        HealFind[Endpoint](needs.clock),
        HealRegistration[Endpoint](needs.tasks, needs.clock),  # sees its own watch end
        RefreshRegistration(needs.clock),
        asking(needs, endpoints, to, *additional),
    ).bind(NowhereElse())


def answering(needs: RegistryNeeds, authorize: AuthorizeRegistration[R]) -> Chain[Registry[R]]:
    """What everything that answers registrations begins with."""
    return registry_chain(
        CheckRecord[R](),
        UpdateTokenPath[R](needs.tokens),
        authorize,
        AdmitRegistration[R](needs.admission),
    )


def asking(
    needs: RegistryNeeds,
    pick: Callable[[Channel], Registry[R]],
    to: str,
    *additional: Link[Registry[R]],
) -> Chain[Registry[R]]:
    """What everything that asks a registry ends with."""
    return registry_chain(
        AuthorizeRegistrationClient[R](needs.client, needs.clock),
        DialRegistry[R](needs.dialer, to, needs.dial_timeout),
        *additional,
        AskRegistry[R](pick),
    )


def onward(needs: RegistryNeeds, pick: Callable[[Channel], Registry[R]], to: str) -> Registry[R]:
    """Ask the registry at `to` on behalf of whoever asks us."""
    return registry_chain(
        BeginRegistration[R](needs.tasks, needs.clock), asking(needs, pick, to)
    ).bind(NowhereElse())


def _registry(
    needs: RegistryNeeds, proxy: str, services: Remember[NetworkService], kept: Remember[Endpoint]
) -> Offer:
    server, clock, believes = needs.server, needs.clock, needs.admission.believes
    overrides = AdmitRegistration[NetworkService](needs.admission).may_change
    needs.tasks.holders.add(kept)
    return Offer(
        network_services=registry_chain(
            answering(
                needs,
                AuthorizeRegistration[NetworkService](
                    server, clock, services.kept, believes=believes, overrides=overrides
                ),
            ),
            SetPayload(),
            SwitchInterdomain[NetworkService](
                onward(needs, network_services, proxy) if proxy else None
            ),
            services,
        ).bind(NowhereElse()),
        endpoints=registry_chain(
            answering(
                needs,
                AuthorizeRegistration[Endpoint](server, clock, kept.kept, believes=believes),
            ),
            LimitForwarders(needs.admission),
            BeginRegistration[Endpoint](needs.tasks, needs.clock),
            SwitchInterdomain[Endpoint](onward(needs, endpoints, proxy) if proxy else None),
            StampTime(needs.clock),
            Expire(needs.clock),
            kept,
        ).bind(NowhereElse()),
    )


def _behind(
    needs: RegistryNeeds, url: str, outage: float
) -> tuple[Registry[NetworkService], Registry[Endpoint]]:
    if url:
        services = registry_chain(
            FollowServices(needs.tasks, needs.clock),
            _outliving(needs, network_services, url, outage),
        )
        served = registry_chain(
            HealFind[Endpoint](needs.clock),
            FollowEndpoints(needs.tasks, needs.clock),
            _outliving(needs, endpoints, url, outage),
        )
        return services.bind(NowhereElse()), served.bind(NowhereElse())
    kept = registry_chain(SetPayload(), Remember[NetworkService]())
    return kept.bind(NowhereElse()), registry_chain(Remember[Endpoint]()).bind(NowhereElse())


def _outliving(
    needs: RegistryNeeds, pick: Callable[[Channel], Registry[R]], url: str, outage: float
) -> Chain[Registry[R]]:
    """Ask the registry at `url`, and do without it while it is away."""
    return registry_chain(
        KeepRegistered[R](needs.tasks, needs.clock, outage),
        RecallFound[R](needs.clock, outage),
        BeginRegistration[R](needs.tasks, needs.clock),
        asking(needs, pick, url),
    )
