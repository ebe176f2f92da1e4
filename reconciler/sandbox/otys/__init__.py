"""OTYS Web Services as far as mailing lists need them: one tenant, played on loopback."""

from reconciler.sandbox.otys.human import OtysHuman
from reconciler.sandbox.otys.service import OtysService
from reconciler.sandbox.otys.state import Entity, Kind, MailingList, OtysState, Recipient, Switches

__all__ = ["Entity", "Kind", "MailingList", "OtysHuman", "OtysService", "OtysState", "Recipient", "Switches"]
