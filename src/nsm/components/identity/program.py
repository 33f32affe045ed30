"""The authority at work: entries in, identities out, keys kept."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from nsm.components.identity.admin import Admin, path_beside
from nsm.components.identity.config import Config
from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.federation import Federation
from nsm.identity.roster import Roster
from nsm.identity.store import Store
from nsm.rpc.plain import PlainServer
from nsm.rpc.target import target_of
from nsm.sdk import Clock, Tasks
from nsm.workload.server import WorkloadApi

log = logging.getLogger(__name__)

TEND = 60.0
"""Most seconds between two looks at the roots' age."""


async def run(
    config: Config, stopping: asyncio.Event, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve the Workload API until told to stop; `ready` is called once it is served."""
    path = _socket(config.listen_on)
    clock = Clock()
    store = Store(Path(config.store)) if config.store else None
    authority = await _authority(config, clock, store)
    roster = Roster(config.entries, config.trust_domain, authority.changes)
    await roster.load()
    others = Federation(config.federated_bundles, config.trust_domain, authority.changes, clock)
    api = PlainServer(path, WorkloadApi(authority, roster, clock, others).methods, clock=clock)
    admin = Admin(path_beside(path), authority, roster, lambda: _keep(authority, store))
    async with _serving(api, admin) as tasks:
        log.info("authority of %s, serving at %s", config.trust_domain, config.listen_on)
        tasks.start("watching the entries", roster.watch(clock))
        tasks.start("watching other domains' bundles", others.watch())
        tasks.start("tending the roots", _tend(authority, store, clock))
        ready()
        await stopping.wait()


@asynccontextmanager
async def _serving(api: PlainServer, admin: Admin) -> AsyncIterator[Tasks]:
    tasks = Tasks()
    try:
        await api.start()
        await admin.start()
        yield tasks
    finally:
        admin.close()
        await api.close()
        await tasks.stop()


async def _authority(config: Config, clock: Clock, store: Store | None) -> Authority:
    roots = await asyncio.to_thread(store.load, config.trust_domain) if store else ()
    authority = Authority(
        config.trust_domain,
        clock,
        roots,
        leaf_lifetime=config.leaf_lifetime.total_seconds(),
        root_lifetime=config.authority_lifetime.total_seconds(),
    )
    await _keep(authority, store)
    return authority


async def _tend(authority: Authority, store: Store | None, clock: Clock) -> None:
    kept = authority.roots
    while True:
        await clock.sleep(min(TEND, authority.settling))
        authority.renew()
        if authority.roots != kept:
            try:
                await _keep(authority, store)
                kept = authority.roots
            except Invalid as error:
                log.error("the new roots could not be kept, trying again: %s", error)


async def _keep(authority: Authority, store: Store | None) -> None:
    """A root is kept long before it signs, so none that signed is ever lost."""
    if store is not None:
        await asyncio.to_thread(store.save, authority.roots)


def _socket(url: str) -> str:
    path = target_of(url).path
    if not path:
        raise Invalid(
            f"{url} is no unix socket, and only there can callers be told apart",
            fix="set NSM_LISTEN_ON=unix:///path",
        )
    return path
