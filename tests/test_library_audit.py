"""What the audit of the libraries says, and when it fails."""

import sys

import msgspec

from tests.library_audit import NOT_AUDITED, Audit, audited, verdict

WEAK = {"id": "PYSEC-1", "fix_versions": ["2.0"]}


def told(*libraries: dict[str, object]) -> tuple[int, str]:
    printed = msgspec.json.encode({"dependencies": libraries, "fixes": []}).decode()
    return verdict(audited((sys.executable, "-c", f"print({printed!r})")))


def test_a_known_weakness_fails_and_says_what_corrects_it() -> None:
    code, said = told(
        {"name": "a", "version": "1", "vulns": [WEAK]}, {"name": "b", "version": "1", "vulns": []}
    )
    assert code == 1
    assert said.endswith("a 1: PYSEC-1, corrected in 2.0")


def test_no_known_weakness_passes() -> None:
    assert told({"name": "a", "version": "1", "vulns": []}) == (0, "1 libraries have no known weakness.")


def test_where_nobody_can_be_asked_it_says_so_and_passes() -> None:
    assert told({"name": "a", "skip_reason": "not found"}) == (0, NOT_AUDITED)
    assert verdict(audited((sys.executable, "-c", "raise SystemExit(1)"))) == (0, NOT_AUDITED)
    assert verdict(Audit(())) == (0, NOT_AUDITED)
