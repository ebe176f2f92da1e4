"""Knows how to read TOML that may be anything, with one error for all that can be wrong with it. Pure."""

import tomllib


class NotToml(ValueError):
    """A text that is no TOML, or none that this program reads; it ends with the place if that is known."""


def parse_toml(text: str) -> dict[str, object]:
    """Given a text, return what it says. Raise NotToml if it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotToml(str(error)) from None
    except RecursionError:
        raise NotToml("Tables or lists stand too deep in one another") from None
    except ValueError:
        raise NotToml("A number has too many digits") from None
