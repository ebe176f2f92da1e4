"""What every test of the metrics starts from: an agency, and metrics that watch its passes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from reconciler.report import PassReport
from reconciler.sinks.metrics import Metrics
from reconciler.sinks.metrics_memory import memory_of
from tests.passes.agency import Agency, agency


@dataclass
class Measured:
    """An agency's passes, and what the metrics say of them."""

    acme: Agency
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.registry, now=lambda: self.acme.now)

    def once(self, *, only: str | None = None) -> PassReport:
        return self._told(self.acme.once(only=only))

    def plan(self) -> PassReport:
        return self._told(self.acme.plan())

    def value(self, name: str, client: str | None = "acme", **labels: str) -> float | None:
        """Given a metric without its prefix, return its value; None when it is not exported."""
        wanted = labels if client is None else {"client": client, **labels}
        return self.registry.get_sample_value(f"reconciler_{name}", wanted)

    def restarted(self) -> "Measured":
        """Return the metrics of a daemon that was started afresh on the same database."""
        fresh = Measured(self.acme)
        fresh.metrics.remember("acme", memory_of(self.acme.store, "acme", now=self.acme.now))
        return fresh

    def _told(self, report: PassReport) -> PassReport:
        self.metrics.finished(report)
        return report


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[Measured]:
    """Yield an agency with nothing in it, whose passes are measured."""
    with agency(tmp_path) as running:
        yield Measured(running)
