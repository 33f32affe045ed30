"""The endpoints that come with the mesh, by the name they are run under."""

from nsm.endpoint.config import Config
from nsm.endpoint.serving import simple, worker

KINDS = {
    "icmp-responder": (Config, worker(simple)),
}
