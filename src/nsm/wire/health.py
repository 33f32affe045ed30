"""The standard health service's messages."""

from dataclasses import dataclass

from nsm.wire._gen import health_pb2 as pb
from nsm.wire.reader import Reader

#: How a service fares. The wire's enum is open: any other integer is kept.
UNKNOWN = 0
SERVING = 1
NOT_SERVING = 2
SERVICE_UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class HealthQuestion:
    """How is `service`? Empty: the program as a whole."""

    service: str = ""


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """How it fares."""

    status: int = UNKNOWN


def read_question(m: pb.HealthCheckRequest, _: Reader) -> HealthQuestion:
    return HealthQuestion(m.service)


def write_question(noun: HealthQuestion, m: pb.HealthCheckRequest) -> None:
    m.service = noun.service


def read_answer(m: pb.HealthCheckResponse, _: Reader) -> HealthAnswer:
    return HealthAnswer(m.status)


def write_answer(noun: HealthAnswer, m: pb.HealthCheckResponse) -> None:
    m.status = noun.status
