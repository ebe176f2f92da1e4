"""The summary mail: decides after a pass whether one is due, keeps it in the store, and hands it over."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

import structlog

from reconciler.config import MailConfig, NotifyConfig
from reconciler.errors import ConfigurationError, StoreError, in_words
from reconciler.report import PassReport
from reconciler.sinks.mail_addresses import Naming
from reconciler.sinks.mail_content import summarise
from reconciler.sinks.mail_policy import decide
from reconciler.sinks.mail_render import render
from reconciler.sinks.mail_smtp import Connection, MailTrouble, ServerTrouble, connect, read_server
from reconciler.sinks.mail_words import Words
from reconciler.store import NewMail, Store, WaitingMail

KEPT = timedelta(days=3)
"""A mail that could not be handed over for so long is given up: what it says is stale."""
_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 16, 32, 60))

_log = structlog.get_logger(__name__)


class Mailer:
    """Mails of all clients. Safe to use from several threads."""

    def __init__(
        self,
        config: MailConfig | None,
        store: Store,
        *,
        now: Callable[[], datetime],
        on_failure: Callable[[], None],
        zone: ZoneInfo,
    ) -> None:
        """Given how mails leave (None: not at all), the state, a clock and who counts failures, be ready."""
        self._config = config
        self._store = store
        self._now = now
        self._on_failure = on_failure
        self._zone = zone
        self._delivering = Lock()

    def finished(self, client: str, notify: NotifyConfig, report: PassReport) -> None:
        """Given a pass that is over and who wants to know, write the mail that is due, if one is."""
        if self._config is None or not notify.to:
            return
        try:
            self._write(self._config, client, notify, report)
        except StoreError as error:
            self._failed("mail_not_kept", client=client, problem=in_words(error))

    def deliver(self) -> None:
        """Hand over what waits. What the mail server does not take now is tried again later."""
        if not self._delivering.acquire(blocking=False):
            return  # another thread is at it
        try:
            self._deliver()
        except StoreError as error:
            self._failed("mails_not_read", problem=in_words(error))
        finally:
            self._delivering.release()

    def _write(self, config: MailConfig, client: str, notify: NotifyConfig, report: PassReport) -> None:
        now = self._now()
        told = self._store.told(client)
        decision = decide(report, notify, told, now)
        mail = None
        if decision.sends:
            words, naming = Words(config.language, self._zone), Naming(notify.addresses)
            expiries = {one.digest: one.expires for one in self._store.proposals(client, now=now)}
            summary = summarise(report, decision, words=words, naming=naming, expiries=expiries)
            message = render(summary, words=words, sender=config.sender, recipients=notify.to, now=now)
            mail = NewMail(recipients=notify.to, message=message)
        if mail is not None or set(decision.told) != set(told):
            self._store.post(client, mail, decision.told, now)

    def _deliver(self) -> None:
        now = self._now()
        self._give_up_old(now)
        due = self._store.waiting_mails(due=now)
        if self._config is None or not due:
            return
        waiting = list(due)
        try:
            with connect(read_server(self._config.smtp_url.reveal())) as connection:
                while waiting:
                    self._hand_over(connection, self._config.sender, waiting[0])
                    del waiting[0]
        except (ServerTrouble, ConfigurationError) as trouble:
            self._put_off(waiting, in_words(trouble))

    def _hand_over(self, connection: Connection, sender: str, mail: WaitingMail) -> None:
        try:
            refused = connection.send(sender, mail.recipients, mail.message)
        except ServerTrouble:
            raise
        except MailTrouble as trouble:
            self._put_off([mail], in_words(trouble))
            return
        if refused.for_ever:
            self._failed("mail_recipients_refused", client=mail.client, recipients=len(refused.for_ever))
        if refused.for_now:
            self._store.set_mail_recipients(mail.id, refused.for_now)
            self._put_off([mail], "the mail server does not take mail for some recipients now")
            return
        self._store.drop_mails([mail.id])
        taken = len(mail.recipients) - len(refused.for_ever)
        _log.info("mail_sent", client=mail.client, recipients=taken, tries=mail.tries + 1)

    def _put_off(self, mails: Sequence[WaitingMail], problem: str) -> None:
        now = self._now()
        next_tries = {mail.id: now + _pause(mail.tries) for mail in mails}
        self._store.put_off_mails(next_tries)
        self._failed("mails_put_off", mails=len(mails), problem=problem)

    def _give_up_old(self, now: datetime) -> None:
        old = self._store.waiting_mails(written_until=now - KEPT)
        self._store.drop_mails([mail.id for mail in old])
        for mail in old:
            written = mail.written_at.isoformat(timespec="seconds")
            self._failed("mail_given_up", client=mail.client, written_at=written, tries=mail.tries)

    def _failed(self, event: str, **facts: object) -> None:
        _log.warning(event, **facts)
        self._on_failure()


def _pause(tries: int) -> timedelta:
    """Given how often a mail was tried before, return how long it rests now."""
    return _PAUSES[min(tries, len(_PAUSES) - 1)]
