"""Knows how the configuration is found, read and checked, telling every problem at once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reconciler.config.environment import Tree, overlay
from reconciler.config.files import read_files
from reconciler.config.keys import values_of
from reconciler.config.model import Config
from reconciler.config.problems import explain, home_of, spell
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
    """What the files and the environment say; what is not in it is a default."""
    origins: Mapping[tuple[str, ...], str]
    """The environment variable of each value that came from one."""
    homes: Mapping[str, Path]
    """The file of each client that does not stand in the main one."""


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
    if problems := secret_problems(reading):
        raise ConfigurationError(problems, source=str(reading.source))
    return reading


def read_config(path: Path | None, environ: Mapping[str, str]) -> Reading:
    """Given a file (None: the usual one) and the environment, return what they say; no secret is read.

    Raise ConfigurationError with every problem of form.
    """
    source = path or DEFAULT_PATH
    files = read_files(source)
    overlaid = overlay(files.tree, environ)
    problems = [*files.problems, *overlaid.problems]
    try:
        # As JSON, because strict types then still take an array for a tuple and a text for an enum.
        config = Config.model_validate_json(json.dumps(overlaid.tree, default=str), context=environ)
    except ValidationError as refused:
        problems = [*explain(refused, overlaid.origins, files.homes), *problems]
        raise ConfigurationError(problems, source=str(source)) from None  # its own text shows values
    if problems:
        raise ConfigurationError(problems, source=str(source))
    return Reading(config, source, overlaid.tree, overlaid.origins, files.homes)


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


def secret_problems(reading: Reading) -> tuple[Problem, ...]:
    """Given a configuration, return a problem for every secret that cannot be read now."""
    found = []
    for path, value in secrets_of(reading.config):
        try:
            value.reveal()
        except ConfigurationError as unusable:
            home = home_of(path, reading.homes)
            found += [Problem(spell(path), problem.message + home) for problem in unusable.problems]
    return tuple(found)


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
