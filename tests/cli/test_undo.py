import re

from tests.cli.conftest import Run
from tests.cli.office import Office, flat


def digest_in(text: str) -> str:
    found = re.findall(r"undo \d+ --approve (\w+)", text)
    assert len(found) == 1, text
    return str(found[0])


def test_a_pass_is_shown_turned_around_and_then_undone_by_its_digest(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ann@zorg.nl", "bob@zorg.nl")
    run("once")

    shown = run("undo", "1")

    assert shown.code == 0, shown.err
    assert "would remove 2; nothing was written" in flat(shown.out)
    assert "create 1: an undo deletes no audience" in flat(shown.out)
    assert office.subscribed("Zorg") == {"ann@zorg.nl", "bob@zorg.nl"}

    undone = run("undo", "1", "--approve", digest_in(shown.out), "--by", "Ada Bos")

    assert undone.code == 0, undone.err
    assert "undo of pass 1: removed 2" in flat(undone.out)
    assert office.subscribed("Zorg") == set()

    assert office.writes_of(lambda: run("once")) == []
    explained = flat(run("explain", "ann@zorg.nl").out)
    assert "undone by Ada Bos on" in explained
