"""What endpoints that pass on read from the environment."""

import pytest

from nsm.api.names import NsUrl
from nsm.components.endpoint.config import FirewallConfig, PassthroughConfig
from nsm.config import ConfigError, load


def test_it_passes_on_to_one_service() -> None:
    config = load(PassthroughConfig, {"NSM_NETWORK_SERVICES": "kernel://next/nsm-2?app=b"})
    config.check()
    assert config.network_services == (NsUrl("KERNEL", "next", "nsm-2", {"app": "b"}),)
    with pytest.raises(ConfigError, match="one service"):
        load(PassthroughConfig, {"NSM_NETWORK_SERVICES": "kernel://a,kernel://b"}).check()


def test_where_to_pass_on_is_an_ns_url() -> None:
    with pytest.raises(ConfigError, match="NSM_NETWORK_SERVICES='next'"):
        load(FirewallConfig, {"NSM_NETWORK_SERVICES": "next"})
