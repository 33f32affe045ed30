"""The rules in force at one program, and what that program knows of itself."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from nsm.admission.glob import SCHEME, Glob
from nsm.admission.judge import Verdict, foresee, judge
from nsm.admission.rules import DAY, DEEDS, PROVEN, VOUCHED, Like, Question, Rule, Rules
from nsm.errors import Denied
from nsm.nouns import replace
from nsm.sdk.clock import Clock

NODE = "nodeName"
"""The label by which managers say where a client or an endpoint is (W §2.1 clientinfo)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Rules that may change, the program's name and domain, and where it runs.

    `hops` are the ids of the mesh's own programs, which are believed about whom they ask for.
    `endpoint` is the program's own id where it is an endpoint, and None elsewhere. `forwarders` is
    the service that only the mesh's own programs serve. `written`: the rules are an operator's,
    who may change them.
    """

    rules: Callable[[], Rules]
    clock: Clock
    name: str = ""
    domain: str = ""
    node: str = ""
    hops: tuple[Glob, ...] = ()
    endpoint: str | None = None
    forwarders: str = "forwarder"
    written: bool = False

    def believes(self, id: str) -> bool:
        """Whether it is one of the mesh's own programs."""
        return matching(self.hops, id)

    def asker(self, peer: str, before: Sequence[str], stride: int) -> tuple[str, str]:
        """Who wants something, and how far that is verified.

        `before` are the ids on the path before us, the last of which is the peer's: of `stride`
        that belong together the last is the one to be believed. Whoever is not, asks for itself.
        """
        at = len(before) - 1
        if at < stride or not self.believes(peer):
            return peer, PROVEN
        while at >= stride and self.believes(before[at]):
            at -= stride
        return before[at], VOUCHED

    @property
    def state(self) -> tuple[Rules, tuple[int, ...]]:
        """What verdicts depend on beside the question: while it is the same, so are they."""
        rules = self.rules()
        return rules, rules.hours(self._minute())

    def allows(self, question: Question) -> bool:
        """The verdict on something that stands."""
        return self._verdict(question, final=True).allowed

    def lets_change(self, question: Question) -> bool:
        """Whether a rule somebody wrote for those it names puts their word above the owner's."""
        now = replace(question, minute=self._minute())
        decides = next((rule for rule in self.rules().rules if rule.holds(now)), None)
        return self.written and decides is not None and decides.allow and decides.names_who

    def check(self, question: Question, *, final: bool) -> None:
        """Raise Denied, naming the rule; unless `final`, only if nothing can change the verdict."""
        verdict = self._verdict(question, final=final)
        if not verdict.allowed:
            raise refusal(question, verdict, self.name)

    def _verdict(self, question: Question, *, final: bool) -> Verdict:
        now = replace(question, minute=self._minute())
        rules = self.rules()
        if final:
            return judge(rules, now)
        return foresee(rules, now) or Verdict(True, "")

    def _minute(self) -> int:
        return int(self.clock.now() // 60) % DAY


def refusal(question: Question, verdict: Verdict, hop: str) -> Denied:
    """What whoever is refused is told."""
    who = question.who[:300] or "nobody"
    return Denied(
        f"{who} may not {question.do} {question.service[:100]!r}: {verdict}",
        hop=hop,
        fix="whoever keeps the admission rules can allow it; `nsm policy can` explains them",
    )


def everyone(domain: str) -> Rules:
    """What holds where no rules are set: all members of the trust domain, and nobody else."""
    ours = Like("who", (Glob(f"spiffe://{domain}"), Glob(f"spiffe://{domain}/*")))
    deeds = frozenset(DEEDS)
    others = f"only members of the trust domain {domain} are let in where no rules are set"
    return Rules(
        rules=(
            Rule(name="same-trust-domain", allow=True, deeds=deeds, conditions=(ours,)),
            Rule(name="other-trust-domain", allow=False, deeds=deeds, because=others),
        )
    )


def beside(id: str) -> tuple[str, ...]:
    """Patterns of the mesh's own programs where nobody says so: our own id, and those beside it.

    In Kubernetes that is the mesh's namespace: `spiffe://domain/ns/nsm-system/pod/*`.
    """
    folder, slash, _ = id.removeprefix(SCHEME).rpartition("/")
    return (id, f"{SCHEME}{folder}/*") if slash else (id,)


def globs(texts: Iterable[str]) -> tuple[Glob, ...]:
    """Patterns, compiled."""
    return tuple(Glob(text) for text in texts)


def matching(patterns: Iterable[Glob], id: str) -> bool:
    """Whether an id is like one of them."""
    return any(glob.matches(id) for glob in patterns)


def anyone() -> Admission:
    """Where nothing is limited: for programs that nobody asks, and for trying things out."""
    rules = Rules()
    return Admission(rules=lambda: rules, clock=Clock(), hops=globs(["*"]))
