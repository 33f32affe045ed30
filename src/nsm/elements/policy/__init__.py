"""Who may: every hop checks who asks it, and who answers it."""

from nsm.elements.policy.admit import Admit
from nsm.elements.policy.admit_registration import AdmitRegistration
from nsm.elements.policy.authorize import Authorize
from nsm.elements.policy.authorize_client import AuthorizeClient
from nsm.elements.policy.authorize_registration import AuthorizeRegistration
from nsm.elements.policy.authorize_registration_client import AuthorizeRegistrationClient
from nsm.elements.policy.limit_callers import LimitCallers
from nsm.elements.policy.limit_forwarders import LimitForwarders
from nsm.elements.policy.refuse_strangers import RefuseStrangers

__all__ = [
    "Admit",
    "AdmitRegistration",
    "Authorize",
    "AuthorizeClient",
    "AuthorizeRegistration",
    "AuthorizeRegistrationClient",
    "LimitCallers",
    "LimitForwarders",
    "RefuseStrangers",
]
