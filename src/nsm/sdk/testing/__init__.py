"""What element tests are written with; public, so that elements made elsewhere can use it."""

from nsm.sdk.testing.fakes import FakeTokens, party
from nsm.sdk.testing.recorder import Recorder

__all__ = ["FakeTokens", "Recorder", "party"]
