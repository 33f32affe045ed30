"""Settings of the authority."""

from datetime import timedelta

import pytest

from nsm.components.identity.config import Config
from nsm.config import ConfigError, load


def test_without_a_word_there_is_an_authority() -> None:
    config = load(Config, {})
    assert (config.trust_domain, config.store) == ("nsm", "")
    assert config.listen_on == "unix:///run/nsm/identity/agent.sock"
    assert config.leaf_lifetime == timedelta(hours=1)


def test_settings_are_read_from_the_environment() -> None:
    config = load(Config, {"NSM_TRUST_DOMAIN": "hello", "NSM_STATE_DIR": "/var/lib/nsm"})
    assert (config.trust_domain, config.store) == ("hello", "/var/lib/nsm")


def test_all_bad_settings_are_told_at_once() -> None:
    bad = {"NSM_TRUST_DOMAIN": "Not A Domain", "NSM_LEAF_LIFETIME": "an hour"}
    with pytest.raises(ConfigError) as refused:
        load(Config, bad)
    assert all(variable in str(refused.value) for variable in bad)
