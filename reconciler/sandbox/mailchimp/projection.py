"""Which parts of an answer a caller asked for with `fields` and `exclude_fields`, facts/mailchimp.md, 9."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

Json = dict[str, object]
Tree = dict[str, "Tree"]  # the parts of dotted names; an empty tree stands for everything beneath


@dataclass(frozen=True, slots=True)
class Projection:
    """What to keep of an answer; a name that fits nothing is ignored in silence."""

    keep: Tree | None
    drop: Tree | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Given a query, return the projection it asks for."""
        return cls(keep=_tree(query.get("fields", "")), drop=_tree(query.get("exclude_fields", "")))

    def rows_need(self, collection: str, field: str) -> bool:
        """Given a collection and a field of its rows, return whether the answer can have the field."""
        if self.drop and self.drop.get(collection, {}).get(field) == {}:
            return False
        if self.keep is None:
            return True
        rows = self.keep.get(collection)
        return rows is not None and (not rows or field in rows)

    def of_answer(self, answer: Json) -> Json:
        """Given a whole answer, return the part that was asked for."""
        kept = answer if self.keep is None else _kept(answer, self.keep)
        return kept if self.drop is None else _without(kept, self.drop)


def _tree(names: str) -> Tree | None:
    if not names:
        return None
    tree: Tree = {}
    for name in names.split(","):
        branch = tree
        for part in name.strip().split("."):
            branch = branch.setdefault(part, {})
    return tree


def _kept(answer: Json, keep: Tree) -> Json:
    return {name: _below(answer[name], branch, _kept) for name, branch in keep.items() if name in answer}


def _without(answer: Json, drop: Tree) -> Json:
    return {
        name: _below(value, drop.get(name, {}), _without)
        for name, value in answer.items()
        if drop.get(name) != {}
    }


def _below(value: object, branch: Tree, project: Callable[[Json, Tree], Json]) -> object:
    if not branch:
        return value
    if isinstance(value, dict):
        return project(value, branch)
    if isinstance(value, list):
        return [_below(item, branch, project) for item in value]
    return value
