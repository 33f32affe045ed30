"""What the registry offers (W §3.6)."""

from nsm.chains.registry import Bounds, RegistryNeeds, memory_registry, stored_registry
from nsm.components.registry.config import Config
from nsm.sdk import Offer
from nsm.store import Shelves


def registry(config: Config, needs: RegistryNeeds) -> Offer:
    """Network services and endpoints in memory; other domains' by way of the proxy."""
    return memory_registry(needs, config.proxy_registry_url, _bounds(config))


def lasting_registry(config: Config, needs: RegistryNeeds, store: Shelves) -> Offer:
    """The same, kept in a file as well."""
    return stored_registry(needs, store, config.proxy_registry_url, _bounds(config))


def _bounds(config: Config) -> Bounds:
    return Bounds(records=config.max_records, watchers=config.max_watchers)
