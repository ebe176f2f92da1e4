"""Knows how log lines look, and keeps secrets and addresses out of them."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from reconciler.printable import printable

_MASK = "********"
_SECRET_NAMES = re.compile(
    r"api_?key|passw|secret|token|authori[sz]ation|cookie|credential|^auth$|^session(_id)?$", re.IGNORECASE
)
_NO_ADDRESS = r"\s@<>()\[\]{}\"',;:=/?&*"  # the star, so that a masked password is no address
_SECRET_TEXTS = (
    (re.compile(r"(://[^:/@\s]*:)\S*@"), rf"\1{_MASK}@"),
    (re.compile(r"\b[0-9a-f]{32}-us\d+\b", re.IGNORECASE), "<key>"),
    # Mailchimp's hash of an address is no secret to anybody who can guess the address
    (re.compile(r"(?<=/members/)[0-9a-f]{32}\b", re.IGNORECASE), "<contact>"),
    (re.compile(rf"[^{_NO_ADDRESS}]+(?:@|%40)[^{_NO_ADDRESS}]+\.[^\W_]{{2,}}", re.IGNORECASE), "<address>"),
)


def set_up_logs(level: int, *, stream: TextIO | None = None) -> None:
    """Given the least level to show and a stream (None: standard error), send every log line there.

    Lines are coloured on a terminal and JSON elsewhere. Lines of libraries go the same way.
    """
    on_terminal = (stream or sys.stderr).isatty()
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _harmless,
                _coloured_lines() if on_terminal else structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    # its lines at DEBUG repeat what reconciler.api.http tells of every request
    logging.getLogger("urllib3").setLevel(max(level, logging.INFO))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Given the parts of a log line, return them without secrets and addresses, at any depth."""
    return {str(name): _redacted(name, value) for name, value in event.items()}


def redact_text(text: str) -> str:
    """Given a text, return it without passwords in URLs, Mailchimp keys and e-mail addresses."""
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def _redacted(name: object, value: object) -> object:
    if _SECRET_NAMES.search(str(name)):
        return _MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact_text(str(inner)): _redacted(inner, below) for inner, below in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", below) for below in value]
    return redact_text(str(value))


def _harmless(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A service's words may neither steer a terminal nor begin a line of their own; a traceback may."""
    return {name: value if name == "exception" else _shown(value) for name, value in event.items()}


def _shown(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {_shown(inner): _shown(below) for inner, below in value.items()}
    return [_shown(below) for below in value] if isinstance(value, list) else value


def _coloured_lines() -> Processor:
    return structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to the given stream, or to what standard error is at that moment."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__(stream)
        self._follows_standard_error = stream is None

    def emit(self, record: logging.LogRecord) -> None:
        if self._follows_standard_error:
            self.stream = sys.stderr
        super().emit(record)
