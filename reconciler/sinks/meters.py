"""Knows how to keep the metrics of metric_families in one registry, and to let those of a client go."""

import platform
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from threading import Lock

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from reconciler import __version__
from reconciler.sinks.metric_families import ALL, BUILD, Family, Form, Series


class Meters:
    """One registry's metrics. Safe to use from several threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges = {
            one: prometheus.Gauge(one.full_name, one.help, one.labels, unit=one.unit, registry=registry)
            for one in _of_form(Form.GAUGE)
        }
        self._counters = {
            one: prometheus.Counter(one.full_name, one.help, one.labels, unit=one.unit, registry=registry)
            for one in _of_form(Form.COUNTER)
        }
        self._histograms = {
            one: prometheus.Histogram(
                one.full_name, one.help, one.labels, unit=one.unit, registry=registry, buckets=one.buckets
            )
            for one in _of_form(Form.HISTOGRAM)
        }
        build = prometheus.Info(BUILD.full_name.removesuffix("_info"), BUILD.help, registry=registry)
        build.info({"version": __version__, "python": platform.python_version()})
        self._lock = Lock()
        self._series: defaultdict[Family, set[Series]] = defaultdict(set)

    def set(self, gauge: Family, value: float, *labels: str) -> None:
        """Given a gauge and the values of its labels, set it."""
        self._keep(gauge, labels)
        (self._gauges[gauge].labels(*labels) if labels else self._gauges[gauge]).set(value)

    def set_all(self, gauge: Family, client: str, values: Mapping[Series, float]) -> None:
        """Given every value of a client's gauge that is not 0, set those; the other ones become 0."""
        for labels in self._of_client(gauge, client):
            if labels[1:] not in values:
                self.set(gauge, 0, *labels)
        for rest, value in values.items():
            self.set(gauge, value, client, *rest)

    def follow(self, gauge: Family, read: Callable[[], float], *labels: str) -> None:
        """Given a gauge and the values of its labels, read its value whenever somebody looks."""
        self._keep(gauge, labels)
        (self._gauges[gauge].labels(*labels) if labels else self._gauges[gauge]).set_function(read)

    def count(self, counter: Family, *labels: str, by: float = 1) -> None:
        """Given a counter and the values of its labels, let it grow; by 0 it begins to exist."""
        self._keep(counter, labels)
        (self._counters[counter].labels(*labels) if labels else self._counters[counter]).inc(by)

    def observe(self, histogram: Family, value: float, *labels: str) -> None:
        """Given a histogram and the values of its labels, add a value."""
        self._keep(histogram, labels)
        self._histograms[histogram].labels(*labels).observe(value)

    def forget(self, client: str) -> None:
        """Given a client, let everything about it go."""
        for family, metric in self._all():
            for labels in self._of_client(family, client):
                metric.remove(*labels)
                with self._lock:
                    self._series[family].discard(labels)

    def _keep(self, family: Family, labels: Series) -> None:
        with self._lock:
            self._series[family].add(labels)

    def _of_client(self, family: Family, client: str) -> tuple[Series, ...]:
        if family.labels[:1] != ("client",):
            return ()
        with self._lock:
            return tuple(labels for labels in self._series[family] if labels[0] == client)

    def _all(self) -> Iterator[tuple[Family, MetricWrapperBase]]:
        yield from self._gauges.items()
        yield from self._counters.items()
        yield from self._histograms.items()


def _of_form(form: Form) -> Iterator[Family]:
    return (family for family in ALL if family.form is form)
