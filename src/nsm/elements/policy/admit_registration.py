"""Let nobody serve or register a network service whom the admission rules do not allow."""

from collections.abc import Iterator, Mapping

from nsm.admission import REGISTER, SERVE, Admission, Question
from nsm.admission.standing import NODE
from nsm.api.names import split
from nsm.api.registration import Endpoint, R
from nsm.identity.evidence import registrants
from nsm.nouns import replace
from nsm.sdk import Call, Registry, RegistryElement


class AdmitRegistration(RegistryElement[R]):
    """Ask the rules about each service of an endpoint, and about each service that is described.

    Who is no longer allowed is refused the next time it registers, and so expires.
    """

    def __init__(self, admission: Admission) -> None:
        self.admission = admission

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        for question in self.asked(call, record):
            self.admission.check(question, final=True)
        return await next.register(call, record)

    def may_change(self, call: Call, record: R) -> bool:
        """Whether a rule lets whoever asks change or remove what another has registered."""
        questions = list(self.asked(call, record))
        return bool(questions) and all(map(self.admission.lets_change, questions))

    def asked(self, call: Call, record: R) -> Iterator[Question]:
        """What the rules are asked; nothing where somebody asks from within."""
        if call.peer is not None:
            who, verified = self.admission.asker(call.peer.id, registrants(call.tokens), 1)
            for question in self.questions(who, record):
                yield replace(question, verified=verified)

    def questions(self, who: str, record: R) -> Iterator[Question]:
        """The same, as far as who asks makes no difference."""
        if isinstance(record, Endpoint):
            for name in record.network_service_names:
                asked = self.question(SERVE, who, name, record.network_service_labels.get(name))
                yield replace(asked, endpoint=who)
        else:
            asked = self.question(REGISTER, who, record.name)
            yield replace(asked, payload=record.payload or None)

    def question(
        self, do: str, who: str, name: str, said: Mapping[str, str] | None = None
    ) -> Question:
        """The question about one service."""
        service, domain = split(name)
        labels = said or {}
        return Question(
            do=do,
            who=who,
            service=service,
            domain=domain or self.admission.domain,
            labels=labels,
            node=self.admission.node or labels.get(NODE, ""),
        )
