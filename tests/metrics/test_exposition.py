"""What `/metrics` shows, its page, and what rules and dashboards ask of it."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.exposition import choose_encoder, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from reconciler.api.http import HttpClient
from reconciler.cli import build_app
from reconciler.sinks.metric_families import ALL, VALUES
from reconciler.sinks.metrics_document import document
from tests.metrics.conftest import Measured
from tests.metrics.dashboards import Dashboard, dashboards
from tests.scripted import OK, Script, serving

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "config" / "prometheus"
RULES = (PROMETHEUS / "alerts.yml", PROMETHEUS / "recording.yml")
ASKED = re.compile(r"(?<![\w:])reconciler_\w+")
RECORDED = re.compile(r"\b(?:client|system):reconciler_[\w:]+")


@pytest.fixture
def live(measured: Measured) -> Measured:
    """Return metrics that saw what a daemon sees: passes, requests, the disk."""
    acme = measured.acme
    acme.list("Verpleegkundigen", "jan@weg.nl", "test@example.com", "geen adres")
    measured.metrics.watch_disk(acme.folder)
    measured.metrics.watch_client("acme", lambda: False)
    with (
        serving(Script(OK)) as url,
        HttpClient("OTYS", on_request=measured.metrics.request) as client,
    ):
        client.send("GET", url, repeatable=True)
    measured.once()
    measured.once()
    return measured


def families(live: Measured) -> Iterator[Metric]:
    """Given metrics, yield what a reader of OpenMetrics finds."""
    encode, _ = choose_encoder("application/openmetrics-text")
    text = encode(live.registry).decode()
    yield from text_string_to_metric_families(text)  # type: ignore[no-untyped-call] # the library has none


def samples(live: Measured) -> Iterator[Sample]:
    for family in families(live):
        yield from family.samples


def asked_of(text: str) -> set[str]:
    """Given rules or expressions, return the names of our metrics in them."""
    return set(ASKED.findall(text))


def rules() -> str:
    return "".join(file.read_text(encoding="utf-8") for file in RULES)


def asked_by_all() -> set[str]:
    of_boards = (expression for board in dashboards() for expression in board.expressions)
    return asked_of("\n".join([rules(), *of_boards]))


# -- the exposition


def test_openmetrics_tells_type_help_and_unit_of_every_metric(live: Measured) -> None:
    told = {family.name: (family.type, family.documentation, family.unit) for family in families(live)}
    wanted = {
        one.full_name.removesuffix("_total").removesuffix("_info"): (str(one.form), one.help, one.unit)
        for one in ALL
    }
    assert told == wanted


def test_no_address_list_name_or_key_is_ever_told(live: Measured) -> None:
    world = live.acme.world
    text = generate_latest(live.registry).decode()
    secrets = [world.otys_api_key, "weg.nl", "example.com", "Verpleegkundigen", "geen adres", "-us"]
    assert [secret for secret in secrets if secret in text] == []


def test_labels_say_only_what_the_page_lists(live: Measured) -> None:
    free = {"client", "version", "python", "le"}
    odd = [
        (sample.name, label, value)
        for sample in samples(live)
        for label, value in sample.labels.items()
        if label not in free and value not in VALUES[label]
    ]
    assert odd == []


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == document()


# -- rules and dashboards


def test_rules_and_dashboards_ask_only_for_what_is_exported(live: Measured) -> None:
    exported = {sample.name for sample in samples(live)}
    assert asked_by_all() - exported == set()


def test_every_metric_is_used_by_a_rule_or_a_dashboard() -> None:
    used = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked_by_all()}
    assert {one.full_name for one in ALL} - used == set()


def test_labels_in_rules_and_dashboards_exist() -> None:
    expressions = "\n".join([rules(), *(one for board in dashboards() for one in board.expressions)])
    named = set(re.findall(r'(\w+)(?:=~|!=|=)"', expressions))
    assert named <= {*VALUES, "client", "job", "alertname", "alertstate"}
    given = re.findall(rf'\b({"|".join(VALUES)})(=~|!=|=)"([\w|]+)"', expressions)
    assert [one for one in given if not set(one[2].split("|")) <= set(VALUES[one[0]])] == []


def test_what_dashboards_want_recorded_is_recorded() -> None:
    recorded = set(re.findall(r"- record: (\S+)", rules()))
    wanted = {name for board in dashboards() for text in board.expressions for name in RECORDED.findall(text)}
    assert wanted == recorded


def alerts() -> dict[str, str]:
    """Return the text of each alert by its name."""
    parts = re.split(r"- alert: (\w+)\n", (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", sorted(alerts()))
def test_an_alert_says_what_is_wrong_and_what_to_do(name: str) -> None:
    text = alerts()[name]
    for key in ("summary:", "description:", "action:", "severity:"):
        assert text.count(key) == 1, key


@pytest.mark.parametrize("name", sorted(alerts()))
def test_an_alert_has_a_unit_test(name: str) -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in (PROMETHEUS / "tests").glob("*.yml"))
    assert re.search(rf"\b{name}\b", tests)


def test_alerts_name_only_commands_that_exist() -> None:
    app = build_app()
    known = {one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands}
    known |= {group.name for group in app.registered_groups if group.name}
    named = set(re.findall(r"`reconciler (\w+)", "".join(alerts().values())))
    assert named - known == set()


# -- dashboards: Grafana itself is not at hand here, so its form is checked piece by piece


@pytest.mark.parametrize("board", dashboards(), ids=lambda board: board.file.uid)
def test_panels_have_an_id_of_their_own_and_do_not_overlap(board: Dashboard) -> None:
    assert len({panel.id for panel in board.panels}) == len(board.panels)
    cells = Counter(cell for panel in board.panels for cell in panel.place.cells())
    assert [cell for cell, count in cells.items() if count > 1] == []
    assert all(panel.place.x + panel.place.w <= 24 for panel in board.panels)


@pytest.mark.parametrize("board", dashboards(), ids=lambda board: board.file.uid)
def test_a_panel_says_what_it_shows_and_asks_the_chosen_data_source(board: Dashboard) -> None:
    shown = [panel for panel in board.panels if panel.type != "row"]
    assert all(panel.title and panel.description and panel.targets for panel in shown)
    assert {panel.type for panel in shown} <= {"stat", "table", "timeseries"}
    for panel in shown:
        assert len({target.letter for target in panel.targets}) == len(panel.targets), panel.title
        assert all(target.expression for target in panel.targets), panel.title
        sources = {panel.source, *(target.source for target in panel.targets)}
        assert sources == {"${datasource}"}, panel.title


@pytest.mark.parametrize("board", dashboards(), ids=lambda board: board.file.uid)
def test_a_dashboard_can_be_imported(board: Dashboard) -> None:
    assert board.file.id is None, "an id of another Grafana would clash"
    assert board.file.schema_version >= 36
    variables = {one.name: one.type for one in board.file.templating.list}
    assert set(re.findall(r"\$\{?(\w+)", board.text)) - {"__data"} <= set(variables)
    assert variables["datasource"] == "datasource"


def test_links_between_dashboards_lead_somewhere() -> None:
    text = "".join(board.text for board in dashboards())
    assert set(re.findall(r"/d/([\w-]+)", text)) == {board.file.uid for board in dashboards()}
