"""Knows how an action of a person is called by name with JSON arguments, checked against its signature."""

import inspect
from collections.abc import Mapping
from typing import get_type_hints

import msgspec

from reconciler.sandbox.mailchimp.problems import Problem


class BadAction(ValueError):
    """The named action does not exist or its arguments do not fit."""


def names_of_actions(person: object) -> dict[str, str]:
    """Given a person, return each action's name with its signature."""
    return {
        name: str(inspect.signature(method))
        for name, method in inspect.getmembers(person, inspect.ismethod)
        if not name.startswith("_")
    }


def act(person: object, name: str, arguments: Mapping[str, object]) -> object:
    """Given a person, an action's name and JSON arguments, do it and return its result.

    Raise BadAction if there is no such action, the arguments do not fit, or the action refuses them.
    """
    if name not in names_of_actions(person):
        raise BadAction(f"there is no action {name!r}; known are {', '.join(names_of_actions(person))}")
    method = getattr(person, name)
    try:
        bound = inspect.signature(method).bind(**arguments)
        return method(**_converted(method, bound.arguments))
    except Problem as error:
        raise BadAction(f"{name}: Mailchimp refuses it: {error.detail}") from error
    except (TypeError, ValueError, LookupError) as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise BadAction(f"{name}: {reason}") from error


def _converted(method: object, arguments: Mapping[str, object]) -> dict[str, object]:
    hints = get_type_hints(method)
    converted: dict[str, object] = {}
    for name, value in arguments.items():
        kind = inspect.signature(method).parameters[name].kind  # type: ignore[arg-type]  # a bound method
        if kind is inspect.Parameter.VAR_KEYWORD and isinstance(value, dict):
            converted |= {key: msgspec.convert(one, hints[name]) for key, one in value.items()}
        else:
            converted[name] = msgspec.convert(value, hints[name])
    return converted
