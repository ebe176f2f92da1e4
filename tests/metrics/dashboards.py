"""Reads the dashboards as Grafana does, as far as anything is checked of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parents[2] / "config" / "grafana" / "dashboards"


class Source(msgspec.Struct, frozen=True):
    uid: str


class Place(msgspec.Struct, frozen=True):
    h: int
    w: int
    x: int
    y: int

    def cells(self) -> Iterator[tuple[int, int]]:
        return ((x, y) for x in range(self.x, self.x + self.w) for y in range(self.y, self.y + self.h))


class Target(msgspec.Struct, frozen=True):
    letter: str = msgspec.field(name="refId")
    expression: str = msgspec.field(name="expr")
    datasource: Source

    @property
    def source(self) -> str:
        return self.datasource.uid


class Panel(msgspec.Struct, frozen=True):
    id: int
    type: str
    title: str
    place: Place = msgspec.field(name="gridPos")
    description: str = ""
    targets: tuple[Target, ...] = ()
    datasource: Source | None = None

    @property
    def source(self) -> str:
        return "" if self.datasource is None else self.datasource.uid


class Variable(msgspec.Struct, frozen=True):
    name: str
    type: str
    query: str | dict[str, str]


class Templating(msgspec.Struct, frozen=True):
    list: tuple[Variable, ...]


class File(msgspec.Struct, frozen=True):
    id: int | None
    uid: str
    title: str
    schema_version: int = msgspec.field(name="schemaVersion")
    panels: tuple[Panel, ...]
    templating: Templating


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard, and its file."""

    file: File
    text: str

    @property
    def panels(self) -> tuple[Panel, ...]:
        return self.file.panels

    @property
    def expressions(self) -> list[str]:
        """What its panels and its variables ask of Prometheus."""
        of_variables = [
            one.query["query"] for one in self.file.templating.list if isinstance(one.query, dict)
        ]
        return [target.expression for panel in self.panels for target in panel.targets] + of_variables


def dashboards() -> tuple[Dashboard, ...]:
    """Return every dashboard. Raise if one is not what Grafana expects."""
    texts = (file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.json")))
    return tuple(Dashboard(msgspec.json.decode(text, type=File), text) for text in texts)
