"""What is mutated, and the few fast tests that must notice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


_PASSES = "tests/passes"
_CORE = tuple(f"tests/core/test_{what}.py" for what in ("decision_table", "changes", "plan", "guard", "laws"))
_SINK = tuple(
    f"tests/sinks/test_{what}.py"
    for what in (
        "mailchimp_outcomes",
        "mailchimp_read_back",
        "mailchimp_sink",
        "mailchimp_troubles",
        "audience_sink_contract",
    )
)

GROUPS = (
    Group(
        "decisions",
        ("diff", "changes", "observe", "plan", "guard"),
        _CORE,
    ),
    Group(
        "flapping",
        ("flapping",),
        ("tests/core/test_flapping.py", f"{_PASSES}/test_flapping.py"),
    ),
    Group(
        "appliers",
        tuple(f"sinks/mailchimp_{part}" for part in ("apply", "adds", "contacts", "outcomes", "read_back")),
        _SINK,
    ),
    Group(
        "undo",
        ("inverse", "undo"),
        ("tests/core/test_inverse.py", "tests/core/test_undo.py"),
    ),
    Group(
        "passes",
        ("reconcile", "lists", "contacts", "journal"),
        tuple(
            f"{_PASSES}/test_{what}.py"
            for what in ("contacts", "guards", "journal", "order", "visibility", "release", "unseen_nos")
        ),
    ),
    Group(
        "audiences",
        ("lifecycle", "deletion"),
        (f"{_PASSES}/test_audiences.py", f"{_PASSES}/test_deletion.py", f"{_PASSES}/test_journal.py"),
    ),
)
