"""What the manager reads from the environment."""

import pytest

from nsm.components.manager.config import Config
from nsm.config import ConfigError, load


def test_a_deployments_variables_are_read() -> None:
    environ = {
        "NSM_LISTEN_ON": "unix:///var/lib/networkservicemesh/nsm.io.sock,tcp://:5001",
        "NSM_REGISTRY_URL": "registry.nsm-system:5002",
    }
    config = load(Config, environ)
    assert ",".join(config.listen_on) == environ["NSM_LISTEN_ON"]
    assert config.registry_url == "registry.nsm-system:5002"


def test_no_registry_is_one_in_memory() -> None:
    assert load(Config, {"NSM_REGISTRY_URL": ""}).registry_url == ""


@pytest.mark.parametrize("mask", ["etc/nsm/opa/mine/.*.rego", "mine.rego", "["])
def test_policies_we_do_not_have_are_refused_rather_than_forgotten(mask: str) -> None:
    with pytest.raises(ConfigError, match="NSM_REGISTRY_SERVER_POLICIES"):
        load(Config, {"NSM_REGISTRY_SERVER_POLICIES": mask})
