"""Certificates with keys of other kinds: not for us, and a peer's own affair until it signs."""

import asyncio
import os
import ssl
import sys
from dataclasses import replace
from pathlib import Path

import jwt as oracle
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.identity.conftest import forged
from tests.identity.test_over_sockets import pair

from nsm.errors import Denied
from nsm.identity import contexts
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.rpc.plain import PlainServer
from nsm.sdk import Token
from nsm.wire import encode
from nsm.wire.methods import FETCH_X509_SVID
from nsm.wire.workload import X509Svid, X509SvidResponse

WEB, MANAGER = "spiffe://test/ns/x/web", "spiffe://test/ns/x/manager"
RSA = rsa.generate_private_key(65537, 2048)


def pkcs8(key) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, plain)


@pytest.fixture(params=[RSA, ec.generate_private_key(ec.SECP384R1())], ids=["rsa", "p384"])
async def agent(request, tmp_path: Path, authority: Authority):
    """A Workload API whose certificates have keys of another kind."""
    leaf = forged(authority.roots[0], (MANAGER,), key=request.param)
    svid = X509Svid(MANAGER, leaf, pkcs8(request.param), authority.roots[0].der)

    async def fetch(call, question):
        yield encode(X509SvidResponse(svids=(svid,)))
        await asyncio.Event().wait()

    server = PlainServer(f"{tmp_path}/agent.sock", {FETCH_X509_SVID.path: fetch})
    await server.start()
    yield f"unix://{tmp_path}/agent.sock"
    await server.close()


@pytest.mark.parametrize("program", ["registry", "manager", "forwarder", "client"])
async def test_a_program_does_not_start_on_it_and_says_why(agent, program, tmp_path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "SPIFFE_ENDPOINT_SOCKET": agent,
        "NSM_LISTEN_ON": f"unix://{tmp_path}/listen.sock",
        "NSM_CONNECT_TO": f"unix://{tmp_path}/manager.sock",
        "NSM_TUNNEL_IP": "127.0.0.1",
        "NSM_NETWORK_SERVICES": "kernel://svc/nsm-1",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"nsm.components.{program}"),
        env=environ,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 1
    assert b"no EC P-256 key" in said
    assert b"ec-p256" in said
    assert not (tmp_path / "listen.sock").exists()


class Rsa(FakeSource):
    """A peer whose issuer gave it an RSA key; `signs` says with what it signs its tokens."""

    leaf: bytes
    signs: str

    def client_context(self) -> ssl.SSLContext:
        return contexts.client_context(
            replace(self.svid, chain=(self.leaf,), key=RSA), self.bundles
        )

    def issue(self, audience, lifetime=None) -> Token:
        honest = super().issue(audience, lifetime)
        if self.signs == "ES256":
            return honest
        claims = {"sub": self.id, "aud": [audience.id], "exp": int(honest.expires.time)}
        return Token(oracle.encode(claims, RSA, self.signs), honest.expires)


@pytest.mark.parametrize("signs", ["ES256", "RS256", "PS256"])
async def test_a_peer_with_an_rsa_leaf_passes_tls_and_its_token_does_not(
    tmp_path, authority, signs
) -> None:
    web, manager = Rsa.of(WEB, authority), FakeSource.of(MANAGER, authority)
    web.signs, web.leaf = signs, forged(authority.roots[0], (WEB,), key=RSA)
    seen = []
    verify = manager.verify
    manager.verify = lambda chain: seen.append(chain[0]) or verify(chain)
    async with pair(tmp_path, web, manager) as both:
        with pytest.raises(Denied, match="prev_token_signed"):
            await both.ask("c1")
        assert seen == [web.leaf]
        assert not both.heard.heard


async def test_the_same_peer_with_the_right_kind_of_key_is_heard(tmp_path, authority) -> None:
    web, manager = FakeSource.of(WEB, authority), FakeSource.of(MANAGER, authority)
    async with pair(tmp_path, web, manager) as both:
        assert await both.ask("c1")
        assert both.heard.heard
