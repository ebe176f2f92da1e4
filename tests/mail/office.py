"""Somebody who writes and hands over mails, at times of the test's choice."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reconciler.config import Language, MailConfig, MailedAddresses, NotifyConfig, NotifyOn
from reconciler.report import PassReport
from reconciler.sinks.mail import Mailer
from reconciler.store import Store
from tests.mail.examples import CLIENT, NOW

ANN = "ann@acme.nl"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def mail_config(url: str, *, language: Language = Language.ENGLISH) -> MailConfig:
    settings = {"smtp_url": url, "from": "reconciler@acme.nl", "language": language}
    return MailConfig.model_validate(settings)


def wish(
    on: str = "changes",
    *to: str,
    addresses: MailedAddresses = MailedAddresses.MASKED,
    first_sync_mail_above: int = 200,
) -> NotifyConfig:
    """Return who wants to know what."""
    return NotifyConfig(
        to=to or (ANN,), on=NotifyOn(on), addresses=addresses, first_sync_mail_above=first_sync_mail_above
    )


class MailRoom:
    """A mailer with its clock and the count of its failures."""

    def __init__(self, store: Store, url: str, *, language: Language = Language.ENGLISH) -> None:
        self.store = store
        self.now: datetime = NOW
        self.failures = 0
        self.use(url, language=language)

    def use(self, url: str, *, language: Language = Language.ENGLISH) -> None:
        config = mail_config(url, language=language)
        self.mailer = Mailer(
            config, self.store, now=lambda: self.now, on_failure=self._failed, zone=AMSTERDAM
        )

    def without_mail(self) -> Mailer:
        return Mailer(None, self.store, now=lambda: self.now, on_failure=self._failed, zone=AMSTERDAM)

    def later(self, **ago: float) -> None:
        self.now += timedelta(**ago)

    def tell(self, report: PassReport, notify: NotifyConfig | None = None) -> None:
        self.mailer.finished(CLIENT, notify or wish(), report)

    def tell_and_deliver(self, report: PassReport, notify: NotifyConfig | None = None) -> None:
        self.tell(report, notify)
        self.mailer.deliver()

    def waiting(self) -> int:
        return len(self.store.waiting_mails())

    def _failed(self) -> None:
        self.failures += 1
