"""Writes docs/metrics.md from the table of metrics."""

import sys
from collections.abc import Iterator

from reconciler.sinks.metric_families import ALL, VALUES, Family, Form

_INTRODUCTION = """\
# Metrics

<!-- Made by `make docs` from reconciler/sinks/metric_families.py; edit that instead. -->

`GET /metrics` of the daemon answers in the text format of Prometheus, or in OpenMetrics where the caller
asks for it. Scrape it with `config/prometheus/prometheus.yml`; alerts, recording rules and their tests stand
beside it. `config/grafana/dashboards/` holds two dashboards to import or provision: `operator.json` shows
all clients and what needs a hand, `client.json` one client. `make prometheus-check` lets a real Prometheus
scrape a daemon over the sandbox and evaluates all of it.

- No address, list name or key is ever a label. Nothing is labelled by list: `reconciler status` and the
  web page tell which list it is.
- Numbers that a pass finds out stay as they are until the next pass. After a restart the store gives what it
  knows (times of passes, failures in a row, linked lists, what is withheld and refused, how many contacts are
  ours) and the first pass gives the rest. Counters begin at 0 again, which `rate()` and `increase()` expect.
- A client that leaves the configuration leaves the metrics.
- A pass of one list (`reconciler now --list`) leaves the numbers of the client's other lists as they were.
- Every counter and histogram is accompanied by a `…_created` sample: when it began to count.
"""


def document() -> str:
    """Return the text of the page."""
    lines = [_INTRODUCTION, "| metric | type | unit | labels | meaning |", "| --- | --- | --- | --- | --- |"]
    lines += (_row(family) for family in ALL)
    lines += ["", "## Labels", "", *_labels()]
    return "\n".join(lines) + "\n"


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    cells = (f"`{family.full_name}`", _form(family), family.unit, labels, family.help)
    return f"| {' | '.join(cells)} |"


def _form(family: Family) -> str:
    if family.form is Form.HISTOGRAM:
        return f"histogram up to {max(family.buckets):g} s"
    return str(family.form)


def _labels() -> Iterator[str]:
    yield "`client` is the name that the client has in the configuration. The others say one of these:"
    yield ""
    yield "| label | values |"
    yield "| --- | --- |"
    for label, values in sorted(VALUES.items()):
        yield f"| `{label}` | {', '.join(f'`{value}`' for value in values)} |"


if __name__ == "__main__":
    sys.stdout.write(document())
