"""Counters and histograms for what happens at every request, as collectors of prometheus-client's.

Its own Counter and Histogram take a lock and several calls each time, which for six of them is a fifteenth of what Python does
for a request. These are counted by one thread, the event loop's, and read by whoever renders.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

Labels = tuple[str, ...]


class Cell:
    """One series of a tally: add to `count`."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Tally(Collector):
    """A counter with labels."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._described = (name, documentation, tuple(labels))
        self._cells: dict[Labels, Cell] = {}
        registry.register(self)

    def cell(self, *labels: str) -> Cell:
        """The series with these labels, made if it is new."""
        return self._cells.setdefault(labels, Cell())

    def collect(self) -> Iterable[Metric]:
        name, documentation, labels = self._described
        family = CounterMetricFamily(name, documentation, labels=labels)
        for values, cell in list(self._cells.items()):
            family.add_metric(values, cell.count)
        yield family


class Buckets:
    """One series of a spread."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


class Spread(Collector):
    """A histogram with labels; `bounds` are its buckets' upper ends, rising, infinity left out."""

    def __init__(
        self, name: str, documentation: str, labels: Sequence[str], registry: CollectorRegistry, bounds: Sequence[float]
    ) -> None:
        self._described = (name, documentation, tuple(labels))
        self._bounds = tuple(bounds)
        self._shown = [*map(floatToGoString, self._bounds), "+Inf"]
        self._series: dict[Labels, Buckets] = {}
        registry.register(self)

    def cell(self, *labels: str) -> Buckets:
        """The series with these labels, made if it is new."""
        return self._series.setdefault(labels, Buckets(self._bounds))

    def collect(self) -> Iterable[Metric]:
        name, documentation, labels = self._described
        family = HistogramMetricFamily(name, documentation, labels=labels)
        for values, series in list(self._series.items()):
            below = 0
            shown: list[Any] = []  # add_metric's type wants pairs and triples in one
            for bound, count in zip(self._shown, series.counts, strict=True):
                below += count
                shown.append((bound, below))
            family.add_metric(values, shown, series.total)
        yield family
