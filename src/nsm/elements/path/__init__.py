"""Who a request has passed, and what each of them signed."""

from nsm.elements.path.keep_path import KeepPath
from nsm.elements.path.refuse_nonsense import RefuseNonsense
from nsm.elements.path.sign_for_ourselves import SignForOurselves
from nsm.elements.path.trim_path import TrimPath
from nsm.elements.path.update_path import UpdatePath
from nsm.elements.path.update_token import UpdateToken

__all__ = [
    "KeepPath",
    "RefuseNonsense",
    "SignForOurselves",
    "TrimPath",
    "UpdatePath",
    "UpdateToken",
]
