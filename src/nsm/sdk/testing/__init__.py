"""What element tests are written with; public, so that elements made elsewhere can use it."""

from nsm.sdk.testing.carried_files import CarriedFiles
from nsm.sdk.testing.fakes import FakeTokens, party
from nsm.sdk.testing.lifetime import Lifetime
from nsm.sdk.testing.recorder import Recorder
from nsm.sdk.testing.recording_registry import RecordingRegistry

__all__ = ["CarriedFiles", "FakeTokens", "Lifetime", "Recorder", "RecordingRegistry", "party"]
