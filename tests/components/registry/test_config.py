"""What the registry reads from the environment."""

from datetime import timedelta

import pytest

from nsm.components.registry.config import Config
from nsm.config import ConfigError, load
from nsm.identity.policies import REGISTRY_CLIENT, REGISTRY_SERVER, Policies


def test_without_anything_set_it_is_what_upstream_is() -> None:
    config = load(Config, {})
    assert list(config.listen_on) == ["unix:///listen.on.socket"]
    assert config.max_token_lifetime == timedelta(minutes=10)
    assert config.proxy_registry_url == ""
    assert config.expire_period == timedelta(seconds=1)
    assert Policies.select(config.registry_server_policies) == Policies.select(REGISTRY_SERVER)
    assert Policies.select(config.registry_client_policies) == Policies.select(REGISTRY_CLIENT)


def test_a_deployments_variables_are_read() -> None:
    config = load(
        Config,
        {
            "NSM_LISTEN_ON": "tcp://:5002,unix:///r.sock",
            "NSM_PROXY_REGISTRY_URL": "nsmgr-proxy:5004",
            "NSM_MAX_RECORDS": "10",
        },
    )
    assert list(config.listen_on) == ["tcp://:5002", "unix:///r.sock"]
    assert config.proxy_registry_url == "nsmgr-proxy:5004"
    assert config.max_records == 10


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as failure:
        load(Config, {"NSM_MAX_RECORDS": "many", "NSM_DIAL_TIMEOUT": "soon"})
    assert "NSM_DIAL_TIMEOUT" in str(failure.value)
    assert "NSM_MAX_RECORDS" in str(failure.value)
