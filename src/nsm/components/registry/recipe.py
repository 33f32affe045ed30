"""What the registry offers (W §3.6)."""

from nsm.chains.registry import Bounds, RegistryNeeds, memory_registry
from nsm.components.registry.config import Config
from nsm.sdk import Offer


def registry(config: Config, needs: RegistryNeeds) -> Offer:
    """Network services and endpoints in memory; other domains' by way of the proxy."""
    return memory_registry(
        needs,
        config.proxy_registry_url,
        Bounds(records=config.max_records, watchers=config.max_watchers),
    )
