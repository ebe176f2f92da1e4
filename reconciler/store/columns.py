"""How values stand in a column: UTC moments, and compact JSON for what is read back whole."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import TypeDecorator

from reconciler.model import Fields, Person

_pairs = msgspec.json.Decoder(tuple[tuple[str, str], ...])
_texts = msgspec.json.Decoder(tuple[str, ...])
_text_map = msgspec.json.Decoder(dict[str, str])
_count_map = msgspec.json.Decoder(dict[str, int])
_encode = msgspec.json.Encoder().encode

_HEX_ID = re.compile(r"(?:[0-9a-f]{2})+")
_AS_HEX, _AS_TEXT = b"\0", b"\1"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware and in UTC on both databases, although SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """Given an aware moment, return it in UTC. Raise ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a time zone cannot be stored: {value}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """Given a stored moment, return it aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def encode_persons(persons: Iterable[Person]) -> str:
    """Given persons, return their JSON; the order is kept, because the first one gives the fields."""
    return _encode([(person.kind, person.uid) for person in persons]).decode()


def decode_persons(text: str) -> tuple[Person, ...]:
    """Given the JSON of persons, return them."""
    return tuple([Person(kind, uid) for kind, uid in _pairs.decode(text)])


def encode_texts(texts: Sequence[str]) -> str:
    """Given texts, return their JSON."""
    return _encode(list(texts)).decode()


def decode_texts(text: str) -> tuple[str, ...]:
    """Given the JSON of texts, return them."""
    return _texts.decode(text)


def encode_map(values: Mapping[str, str] | Mapping[str, int]) -> str:
    """Given a mapping, return its JSON."""
    return _encode(dict(values)).decode()


def decode_text_map(text: str) -> Fields:
    """Given the JSON of a mapping of texts, return it."""
    return _text_map.decode(text)


def decode_count_map(text: str) -> Mapping[str, int]:
    """Given the JSON of a mapping of numbers, return it."""
    return _count_map.decode(text)


def encode_id(text: str) -> bytes:
    """Given an id of a service, return it in few bytes; Mailchimp's are hex, which takes half of its text."""
    if _HEX_ID.fullmatch(text):
        return _AS_HEX + bytes.fromhex(text)
    return _AS_TEXT + text.encode() if text else b""


def decode_id(data: bytes) -> str:
    """Given the bytes of an id, return it."""
    return data[1:].hex() if data[:1] == _AS_HEX else data[1:].decode()
