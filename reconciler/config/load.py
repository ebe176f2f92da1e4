"""Knows how the configuration is found, read and checked, telling every problem at once."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reconciler.config.environment import Tree, overlay
from reconciler.config.keys import values_of
from reconciler.config.model import Config
from reconciler.config.problems import explain, spell
from reconciler.config.secrets import PlainSecret, SecretRef, UrlRef
from reconciler.config.values import is_loopback_url
from reconciler.errors import ConfigurationError, Problem

DEFAULT_PATH = Path("config/reconciler.toml")


@dataclass(frozen=True, slots=True)
class Reading:
    """A configuration as it was read, and where its values came from."""

    config: Config
    source: Path
    given: Tree
    """What the file and the environment say; what is not in it is a default."""
    origins: Mapping[tuple[str, ...], str]
    """The environment variable of each value that came from one."""


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Given a file (None: the usual one) and the environment, return the configuration, ready to use.

    Raise ConfigurationError with every problem, also a secret that is missing where it should be.
    """
    return load_reading(path, environ).config


def load_reading(path: Path | None, environ: Mapping[str, str]) -> Reading:
    """Given what `load_config` is given, return the configuration along with where its values came from.

    Raise ConfigurationError as `load_config` does.
    """
    reading = read_config(path, environ)
    if problems := secret_problems(reading.config):
        raise ConfigurationError(problems, source=str(reading.source))
    return reading


def read_config(path: Path | None, environ: Mapping[str, str]) -> Reading:
    """Given a file (None: the usual one) and the environment, return what they say; no secret is read.

    Raise ConfigurationError with every problem of form.
    """
    source = path or DEFAULT_PATH
    overlaid = overlay(_parse(source), environ)
    try:
        # As JSON, because strict types then still take an array for a tuple and a text for an enum.
        config = Config.model_validate_json(json.dumps(overlaid.tree, default=str), context=environ)
    except ValidationError as refused:
        problems = [*explain(refused, overlaid.origins), *overlaid.problems]
        raise ConfigurationError(problems, source=str(source)) from None  # its own text shows values
    if overlaid.problems:
        raise ConfigurationError(overlaid.problems, source=str(source))
    return Reading(config, source, overlaid.tree, overlaid.origins)


def secret_problems(config: Config) -> tuple[Problem, ...]:
    """Given a configuration, return a problem for every secret that cannot be read now."""
    found = []
    for path, value in secrets_of(config):
        try:
            value.reveal()
        except ConfigurationError as unusable:
            found += [Problem(spell(path), problem.message) for problem in unusable.problems]
    return tuple(found)


def warnings(config: Config) -> tuple[Problem, ...]:
    """Given a configuration, return a warning for every secret that stands in the file itself.

    A key for a service on this very machine, such as the sandbox, is no secret.
    """
    advice = 'is a secret in plain text; use { env = "NAME" } or { file = "/run/secrets/name" }'
    return tuple(
        Problem(spell(path), advice)
        for path, value in secrets_of(config)
        if _is_plain(value) and not _serves_this_machine(config, path)
    )


def secrets_of(config: Config) -> Iterator[tuple[tuple[str, ...], SecretRef | UrlRef]]:
    """Given a configuration, return every secret in it with its path."""
    for path, _, value in values_of(config):
        if isinstance(value, SecretRef | UrlRef):
            yield path, value


def _is_plain(value: SecretRef | UrlRef) -> bool:
    if isinstance(value, UrlRef):
        return isinstance(value.reference, PlainSecret) and value.has_password
    return isinstance(value, PlainSecret)


def _serves_this_machine(config: Config, path: tuple[str, ...]) -> bool:
    """Given a secret's path, return whether the service it is for runs on this machine."""
    match path:
        case ("clients", name, "otys", "api_key"):
            otys = config.clients[name].otys
            return otys is not None and is_loopback_url(otys.endpoint)
        case ("clients", name, "mailchimp", "api_key") | ("clients", name, _, "settings", "3111"):
            return is_loopback_url(config.clients[name].mailchimp.base_url or "")
        case _:
            return False


def _parse(source: Path) -> Tree:
    """Given a file, return what it says. Raise ConfigurationError if it cannot be read or is not TOML."""
    try:
        return tomllib.loads(source.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        problem = "does not exist; write one with `reconciler config init`, or name another with --config"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text; save it as UTF-8"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([_syntax_problem(str(error))], source=str(source)) from None
    raise ConfigurationError([Problem("the file", problem)], source=str(source))


def _syntax_problem(message: str) -> Problem:
    """Given what the TOML reader says, return it with its place in front."""
    parts = re.fullmatch(r"(.*) \(at (.*)\)", message, re.DOTALL)
    what, where = (parts[1], parts[2]) if parts else (message, "the file")
    return Problem(where, f"is not TOML: {what[:1].lower()}{what[1:]}")
