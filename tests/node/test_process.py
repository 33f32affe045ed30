"""Nodes as processes of their own, with clients in namespaces of theirs: the real thing."""

import asyncio
import signal

import pytest

from .site import REGISTRY, ROLES, Site

pytestmark = pytest.mark.linux


async def test_two_nodes_and_who_is_on_them_from_the_first_word_to_the_last(site: Site) -> None:
    one = await site.start_first()
    two = await site.start_node("two", NSM_REGISTRY_URL=REGISTRY)
    nse = await site.start_endpoint()
    (near, beside), (far, away) = await asyncio.gather(
        site.start_client("near", "one"), site.start_client("far", "two")
    )

    assert beside["path"] == ["near", "one", "forwarder-one", "nse"]
    assert away["path"] == ["far", "two", "forwarder-two", "one", "forwarder-one", "nse"]
    assert (beside["remote_mechanism"], away["remote_mechanism"]) == (None, "VXLAN")
    for name, wire in (("near", beside), ("far", away)):
        assert site.pings(name, wire["dst"][0].partition("/")[0])

    for name, wire in (("near", beside), ("far", away)):
        await nse.says(f"hello {name} {wire['src'][0]}")

    assert await far.ends(signal.SIGTERM) == 0
    await nse.says("goodbye far")
    assert "nsm-1" not in site.interfaces("far")
    assert "nsm-1" in site.interfaces("near")
    assert await near.ends(signal.SIGTERM) == 0
    for program in (nse, two, one):
        assert await program.ends(signal.SIGTERM) == 0
    for name in ROLES:
        assert site.interfaces(name).count("\n") == (2 if name in ("one", "two") else 1)
    assert not list(site.folder.glob("*.sock"))

    for program in (one, two, nse, near, far):
        assert "DEBUG" in program.said
        assert "eyJ" not in program.said, "a token is in the log"
        assert "PRIVATE KEY" not in program.said
        assert "Traceback" not in program.said
        assert "inproc://" not in (near.said + far.said + nse.said)


async def test_a_node_whose_authority_cannot_begin_says_why_and_ends(site: Site) -> None:
    (site.folder / "bad.yaml").write_text("entries: [{}]")
    node = await site.launch(
        *("nsm.node", "--identity"),
        **site.settings(
            "one",
            NSM_TUNNEL_IP="10.99.0.1",
            NSM_IDENTITY_LISTEN_ON=f"unix://{site.folder}/agent.sock",
            NSM_IDENTITY_ENTRIES=str(site.folder / "bad.yaml"),
        ),
    )
    assert await node.ends() == 1
    assert "without selectors" in node.said
    assert "Traceback" not in node.said


async def test_a_node_that_does_not_have_its_tunnels_address_says_so(
    site: Site, workload_api: str
) -> None:
    node = await site.launch(
        "nsm.node",
        **site.settings(
            "two",
            NSM_TUNNEL_IP="192.0.2.1",
            NSM_STATE_DIR=str(site.folder),
            SPIFFE_ENDPOINT_SOCKET=workload_api,
        ),
    )
    assert await node.ends() == 1
    assert "no interface here has the address 192.0.2.1" in node.said
    assert "Traceback" not in node.said


async def test_every_program_may_be_a_process_of_its_own(site: Site) -> None:
    """The same without `nsm node`: as on separate machines, and as upstream's are run."""
    folder = site.folder
    authority = await site.launch(
        "nsm.components.identity",
        **site.settings(
            "one",
            NSM_TRUST_DOMAIN="test",
            NSM_LISTEN_ON=f"unix://{folder}/agent.sock",
            NSM_ENTRIES=str(folder / "entries.yaml"),
        ),
    )
    await authority.ready()
    registry = await site.launch(
        "nsm.components.registry", **site.settings("one", NSM_LISTEN_ON=REGISTRY)
    )
    manager = await site.launch(
        "nsm.components.manager",
        **site.settings(
            "one", NSM_LISTEN_ON=f"unix://{folder}/one.sock", NSM_REGISTRY_URL=REGISTRY
        ),
    )
    forwarder = await site.launch(
        "nsm.components.forwarder",
        **site.settings(
            "one",
            NSM_NAME="forwarder-one",
            NSM_CONNECT_TO=f"unix://{folder}/one.sock",
            NSM_TUNNEL_IP="10.99.0.1",
            NSM_STATE_DIR=str(folder / "one"),
        ),
    )
    nse = await site.launch(
        *("nsm.components.endpoint", "icmp-responder"),
        **site.settings(
            "nse",
            NSM_CONNECT_TO=f"unix://{folder}/one.sock",
            NSM_SERVICE_NAMES="greetings",
            NSM_UNREGISTER_ITSELF="true",
        ),
    )
    programs = [registry, manager, forwarder, nse]
    await asyncio.gather(*(program.ready() for program in programs))
    near, wire = await site.start_client("near", "one")

    assert wire["path"] == ["near", "one", "forwarder-one", "nse"]
    assert site.pings("near", wire["dst"][0].partition("/")[0])
    for program in (near, *reversed(programs), authority):
        assert await program.ends(signal.SIGTERM) == 0
        assert "Traceback" not in program.said
        assert "eyJ" not in program.said
    assert site.interfaces("near").count("\n") == 1
    assert not list(folder.glob("*.sock"))
