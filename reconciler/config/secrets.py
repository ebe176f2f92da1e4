"""Knows where a secret is kept, and never shows its text unless asked to reveal it."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationInfo

from reconciler.errors import ConfigurationError, Problem

MASK = "********"

_FORM = 'must be text in quotes, { env = "NAME" } or { file = "/run/secrets/name" }'
_PASSWORD_BEFORE_HOST = re.compile(r"(://[^:/@]*:).*@", re.DOTALL)
_PASSWORD_IN_QUERY = re.compile(r"(password=)[^&]*", re.IGNORECASE)


class SecretRef(ABC):
    """Where a secret is kept. Its repr and str never hold the secret itself."""

    @property
    @abstractmethod
    def origin(self) -> str:
        """Where the secret comes from, in words."""

    @abstractmethod
    def _read(self) -> str:
        """Return the text as it is kept. Raise ValueError with the reason if it cannot be had."""

    def reveal(self) -> str:
        """Return the secret as it is now. Raise ConfigurationError if it is missing or empty."""
        try:
            text = self._read()
        except ValueError as unusable:
            raise _unusable(self.origin, str(unusable)) from None
        if not text:
            raise _unusable(self.origin, f"{self.origin} is empty")
        return text

    def __repr__(self) -> str:
        return f"<secret from {self.origin}>"

    __str__ = __repr__


@dataclass(frozen=True, slots=True, repr=False)
class PlainSecret(SecretRef):
    """A secret that stands in the configuration file itself."""

    text: str

    @property
    def origin(self) -> str:
        """Where the secret comes from, in words."""
        return "plain text in the configuration"

    def _read(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, repr=False)
class EnvironmentSecret(SecretRef):
    """A secret in an environment variable."""

    name: str
    environ: Mapping[str, str] = field(compare=False)

    @property
    def origin(self) -> str:
        """Where the secret comes from, in words."""
        return f"environment variable {self.name}"

    def _read(self) -> str:
        if self.name not in self.environ:
            raise ValueError(f"{self.origin} is not set")
        return self.environ[self.name]


@dataclass(frozen=True, slots=True, repr=False)
class FileSecret(SecretRef):
    """A secret in a file of its own, read again each time it is revealed, so that it can be renewed."""

    path: Path

    @property
    def origin(self) -> str:
        """Where the secret comes from, in words."""
        return f"file {self.path}"

    def _read(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise ValueError(f"{self.origin} is not UTF-8 text") from None
        except OSError as error:
            raise ValueError(f"{self.origin} cannot be read: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class UrlRef:
    """A URL that may hold a password."""

    reference: SecretRef
    beginnings: tuple[str, ...]

    def reveal(self) -> str:
        """Return the URL. Raise ConfigurationError if it is missing or begins otherwise than it may."""
        text = self.reference.reveal()
        if not text.startswith(self.beginnings):
            raise _unusable(self.reference.origin, f"must begin with {' or '.join(self.beginnings)}")
        return text

    @property
    def has_password(self) -> bool:
        """Whether the URL shows a password; False when it cannot be read now."""
        text = self._text_or_nothing()
        return mask_url(text) != text

    def masked(self) -> str:
        """Return the URL without its password, or only the mask when it cannot be read now."""
        return mask_url(self._text_or_nothing()) or MASK

    def _text_or_nothing(self) -> str:
        try:
            return self.reveal()
        except ConfigurationError:
            return ""


def mask_url(text: str) -> str:
    """Given a URL, return it with every password replaced; odd characters in a password do not matter."""
    without = _PASSWORD_BEFORE_HOST.sub(rf"\1{MASK}@", text)
    return _PASSWORD_IN_QUERY.sub(rf"\1{MASK}", without)


def _unusable(origin: str, message: str) -> ConfigurationError:
    return ConfigurationError([Problem(origin, message)], source="the secrets")


def read_secret(value: object, info: ValidationInfo) -> SecretRef:
    """Given a secret as the file writes it, return where it is kept. Raise ValueError for any other form."""
    match value:
        case SecretRef():
            return value
        case str():
            return PlainSecret(value)
        case {"env": str(name), **others} if name and not others:
            return EnvironmentSecret(name, info.context or {})
        case {"file": str(path), **others} if path and not others:
            return FileSecret(Path(path))
        case _:
            raise ValueError(_FORM)
