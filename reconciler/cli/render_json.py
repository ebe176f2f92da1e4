"""Knows what `--json` prints of plans and passes: one object, the same for one client and for many."""

from collections.abc import Mapping, Sequence

import msgspec

from reconciler.document import (
    ChangeDocument,
    PassDocument,
    ProposalDocument,
    effort_of_plan,
    effort_of_proposal,
)
from reconciler.errors import ReconcilerError

_TOLD_APART = ("changes", "withheld")
"""What stands once, for all clients together, instead of with every pass and list."""


def as_json(
    documents: Sequence[PassDocument],
    *,
    failures: Mapping[str, ReconcilerError] | None = None,
    with_results: bool = True,
) -> dict[str, object]:
    """Given passes and the clients that had none, return them as plain types.

    `changes` and `withheld` hold those of all clients and lists. Without results every `result` is None.
    """
    return {
        "passes": [_pass(document) for document in documents],
        "changes": [
            _change(document.client, change, with_result=with_results)
            for document in documents
            for change in document.changes
        ],
        "withheld": [
            _proposal(document, proposal) for document in documents for proposal in document.withheld
        ],
        "errors": [
            {"client": client, "message": str(error), "advice": error.advice}
            for client, error in (failures or {}).items()
        ],
    }


def _pass(document: PassDocument) -> dict[str, object]:
    told = _plain(document)
    told["lists"] = [
        {name: value for name, value in _plain(one).items() if name not in _TOLD_APART}
        for one in document.lists
    ]
    told["writing"] = _plain(effort_of_plan(document))
    return {name: value for name, value in told.items() if name not in _TOLD_APART}


def _proposal(document: PassDocument, proposal: ProposalDocument) -> dict[str, object]:
    told = _of_client(document.client, proposal)
    return {**told, "writing": _plain(effort_of_proposal(document, proposal))}


def _change(client: str, change: ChangeDocument, *, with_result: bool) -> dict[str, object]:
    told = _of_client(client, change)
    return told if with_result else {**told, "result": None}


def _of_client(client: str, value: ChangeDocument | ProposalDocument) -> dict[str, object]:
    return {"client": client, **_plain(value)}


def _plain(value: msgspec.Struct) -> dict[str, object]:
    return msgspec.convert(msgspec.to_builtins(value), dict[str, object])
