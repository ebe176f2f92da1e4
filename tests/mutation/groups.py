"""What is mutated, and the few fast tests that must notice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _passes(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/passes/test_{name}.py" for name in names)


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
        ("tests/core/test_flapping.py", *_passes("flapping")),
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
        "journal",
        ("journal",),
        _passes("journal", "journal_of_each_verb", "audiences", "restore", "telling", "undo"),
    ),
    Group(
        "passes",
        ("reconcile", "lists", "contacts"),
        _passes(
            *("telling", "guards", "contacts", "order", "unseen_nos", "unchanged", "optouts", "flapping"),
            *("journal", "visibility", "release", "restored_state", "undo", "audiences", "deletion"),
            *("incremental", "time_travel", "bulk"),
        ),
    ),
    Group(
        "audiences",
        ("lifecycle", "deletion", "heir"),
        (
            "tests/core/test_heir.py",
            *_passes(
                *("audiences", "deletion", "journal", "telling", "contacts", "guards", "restore", "order"),
                *("journal_of_each_verb", "erase", "undo", "another_contact", "incremental", "heir"),
            ),
        ),
    ),
)
