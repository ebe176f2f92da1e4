"""Lays a summary out as a mail: one text and one page, from templates that say the same."""

import gettext
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from reconciler.sinks.mail_summary import Summary, Tone
from reconciler.sinks.mail_words import Words
from reconciler.wording import printable, shortened

_LONGEST_SUBJECT = 150

COLOURS = {
    Tone.BAD: ("#b3261e", "#fdecea"),
    Tone.WAITS: ("#8a5a00", "#fff4dc"),
    Tone.GOOD: ("#1e6b3a", "#e8f5ec"),
    Tone.PLAIN: ("#4a5560", "#f1f3f5"),
}
"""Of each tone the colour of what is written and the one behind it: dark enough on light to be read."""


def render(summary: Summary, *, words: Words, sender: str, recipients: Sequence[str], now: datetime) -> bytes:
    """Given what a mail says, whom it is from and to, and the time, return it as a mail server takes it."""
    environment = _environment(words.translations)
    shown = {"summary": summary, "colours": COLOURS, "language": words.language}
    addresses = (sender, *recipients)
    message = EmailMessage(policy=SMTP.clone(utf8=not all(map(str.isascii, addresses))))
    message["Subject"] = shortened(printable(summary.subject), _LONGEST_SUBJECT)
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    # So that an absence notice is not answered to us (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(environment.get_template("summary.txt.j2").render(shown))
    message.add_alternative(environment.get_template("summary.html.j2").render(shown), subtype="html")
    return message.as_bytes()


@cache
def _environment(translations: gettext.NullTranslations) -> Environment:
    environment = Environment(
        loader=PackageLoader("reconciler.sinks"),
        autoescape=select_autoescape(("html.j2",)),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    return environment
