"""What an endpoint of a world file is started as, and with which settings. Pure."""

from collections.abc import Mapping

from nsm.api.registration import NetworkService
from nsm.world.programs import Launch, OurProgram, UserProgram
from nsm.world.spec import BuiltIn, Command, EndpointSpec, Program, PythonFile


def launch(run: Program) -> Launch:
    """How what an endpoint runs is started."""
    match run:
        case BuiltIn(kind):
            return OurProgram("endpoint", (kind,))
        case PythonFile(path):
            return OurProgram("endpoint", (str(path),))
        case Command(argv):
            return UserProgram(argv)


def settings(spec: EndpointSpec, services: Mapping[str, NetworkService]) -> dict[str, str]:
    """What the file says of an endpoint, as its environment; its own `env` has the last word."""
    found = {
        "NSM_SERVICE_NAMES": ",".join(spec.serves),
        "NSM_PAYLOAD": services[spec.serves[0]].payload if spec.serves else "IP",
        "NSM_LABELS": ",".join(f"{key}:{value}" for key, value in spec.labels.items()),
        "NSM_REGISTER_SERVICE": "false",
        "NSM_UNREGISTER_ITSELF": "true",
    }
    if spec.groups:
        found["NSM_CIDR_PREFIX"] = ",".join(f"[{group}]" for group in spec.groups)
    if spec.wants:
        found["NSM_NETWORK_SERVICES"] = spec.wants.text
    return {**found, **spec.env}
