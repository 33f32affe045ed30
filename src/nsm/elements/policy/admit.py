"""Let nobody have a vWire whom the admission rules do not allow, for as long as they do not."""

from collections.abc import Iterator
from contextlib import contextmanager

from nsm.admission import PROVEN, Admission, Question
from nsm.admission.standing import NODE
from nsm.api.names import split
from nsm.elements.policy.vigil import Admitted, Vigil
from nsm.errors import Denied
from nsm.identity.evidence import subject
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot, Tasks, closing_on_error

MANAGER_AND_FORWARDER = 2
"""Segments of a path that every node adds between a workload and whoever is asked."""


class Admit(Element):
    """Ask the rules before anything is built, and again when it is known what was built.

    Whoever asks its manager is proven; further on, the mesh's own programs vouch for whom they ask.
    What stands is closed within a second of when the rules turn against it.
    """

    def __init__(self, admission: Admission, tasks: Tasks) -> None:
        self.admission = admission
        self.admitted = Slot[Admitted]()
        self.vigil = Vigil(admission, tasks)

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if call.peer is None:
            return await next.request(call, request)
        known = self.admitted.get(call)
        question = self.question(call.peer.id, request.connection)
        with ended(known):
            self.admission.check(question, final=False)
        conn = await next.request(call, request)
        question = built(question, conn)
        if known:
            with ended(known):
                self.admission.check(question, final=True)
        else:
            async with closing_on_error(next, call, conn):
                self.admission.check(question, final=True)
        admitted = Admitted(call.life, question)
        self.admitted.put(call, admitted)
        self.vigil.keep(admitted)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, conn)
        self.admitted.take(call)

    def question(self, peer: str, conn: Connection) -> Question:
        """What the rules are asked before it is known what is built."""
        path = conn.hops
        before = [subject(segment.token) for segment in path.segments[: path.index]]
        who, verified = self.admission.asker(peer, before, MANAGER_AND_FORWARDER)
        first = verified == PROVEN
        service, domain = split(conn.network_service)
        return Question(
            who=who,
            verified=verified,
            service=service,
            domain=domain or self.admission.domain,
            labels=conn.labels,
            node=self.admission.node if first else conn.labels.get(NODE, ""),
            endpoint=self.admission.endpoint,
        )


@contextmanager
def ended(known: Admitted | None) -> Iterator[None]:
    """What was let in before, and is no longer, does not stand on."""
    try:
        yield
    except Denied:
        if known:
            known.life.close_soon()
        raise


def built(question: Question, conn: Connection) -> Question:
    """The same question, when there is an answer: its endpoint, payload and mechanism are known."""
    after = conn.hops.segments[conn.hops.index :]
    ends = [segment for segment in after if segment.name == conn.endpoint] or after[-1:]
    mechanism = conn.mechanism.type if conn.mechanism else None
    return replace(
        question,
        endpoint=question.endpoint or subject(ends[0].token if ends else ""),
        payload=conn.payload or None,
        mechanism=mechanism,
    )
