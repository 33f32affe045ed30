"""How each hop's end of a vWire is agreed: offers, choices, and the files that come with them."""

from nsm.dataplane.vnis import Vnis
from nsm.elements.mechanism.accept_vxlan import AcceptVxlan
from nsm.elements.mechanism.answer_kernel import AnswerKernel
from nsm.elements.mechanism.filter_mechanisms import FilterMechanisms
from nsm.elements.mechanism.offer_kernel import OfferKernel
from nsm.elements.mechanism.offer_vxlan import OfferVxlan
from nsm.elements.mechanism.prefer_mechanisms import PreferMechanisms
from nsm.elements.mechanism.receive_files import ReceiveFiles
from nsm.elements.mechanism.receive_files_client import ReceiveFilesClient
from nsm.elements.mechanism.select_mechanism import SelectMechanism
from nsm.elements.mechanism.send_files import SendFiles
from nsm.elements.mechanism.send_files_client import SendFilesClient
from nsm.elements.mechanism.translate_mechanism import TranslateMechanism

__all__ = [
    "AcceptVxlan",
    "AnswerKernel",
    "FilterMechanisms",
    "OfferKernel",
    "OfferVxlan",
    "PreferMechanisms",
    "ReceiveFiles",
    "ReceiveFilesClient",
    "SelectMechanism",
    "SendFiles",
    "SendFilesClient",
    "TranslateMechanism",
    "Vnis",
]
