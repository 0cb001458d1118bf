"""Counters of the service in the text format of Prometheus (version 0.0.4).

Counters and histograms belong to the event loop and are not to be changed from another thread; a
gauge asks its source at each scrape.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Final, Protocol

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

LATENESS_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class Metric(Protocol):
    """What can be scraped."""

    def lines(self) -> Iterator[str]:
        """Yield the lines of the exposition."""


class Counter:
    """A number that only grows, one for each value of `label` if there is a label."""

    def __init__(self, name: str, text: str, label: str | None = None) -> None:
        self._name = name
        self._text = text
        self._label = label
        self._values: dict[str, int] = {} if label else {"": 0}

    def add(self, amount: int = 1, label: str = "") -> None:
        """Count `amount` more under `label`."""
        self._values[label] = self._values.get(label, 0) + amount

    def lines(self) -> Iterator[str]:
        """Yield the lines of the exposition."""
        yield from _head(self._name, self._text, "counter")
        for value, count in sorted(self._values.items()):
            labels = f'{{{self._label}="{_escaped(value)}"}}' if self._label else ""
            yield f"{self._name}{labels} {count}"


class Reading:
    """A number that is asked for at each scrape: a gauge, or a counter kept elsewhere."""

    def __init__(
        self, name: str, text: str, read: Callable[[], int], *, kind: str = "gauge"
    ) -> None:
        self._name = name
        self._text = text
        self._read = read
        self._kind = kind

    def lines(self) -> Iterator[str]:
        """Yield the lines of the exposition."""
        yield from _head(self._name, self._text, self._kind)
        yield f"{self._name} {self._read()}"


class Histogram:
    """How observations are spread over buckets, each up to and with its bound."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._text = text
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self) -> Iterator[str]:
        """Yield the lines of the exposition."""
        yield from _head(self._name, self._text, "histogram")
        totals = list(accumulate(self._counts))
        for bound, total in zip((*map(str, self._bounds), "+Inf"), totals, strict=True):
            yield f'{self._name}_bucket{{le="{bound}"}} {total}'
        yield f"{self._name}_sum {self._sum:.9g}"
        yield f"{self._name}_count {totals[-1]}"


class StreamMetrics:
    """What is counted of the streams and of HTTP."""

    def __init__(self) -> None:
        self.opened = Counter("spymaster_streams_opened_total", "Streams that began to play.")
        self.closed = Counter(
            "spymaster_streams_closed_total", "Connections that ended, by close code.", "code"
        )
        self.refused_handshakes = Counter(
            "spymaster_handshakes_refused_total", "Handshakes of a foreign host or origin."
        )
        self.windows = Counter("spymaster_windows_sent_total", "Windows sent.", "format")
        self.sent_bytes = Counter("spymaster_bytes_sent_total", "Bytes of windows sent.", "format")
        self.messages = Counter(
            "spymaster_control_messages_total", "Control messages of clients.", "type"
        )
        self.errors = Counter("spymaster_errors_total", "Errors told to clients.", "code")
        self.requests = Counter("spymaster_http_requests_total", "HTTP answers.", "status")
        self.lateness = Histogram(
            "spymaster_window_lateness_seconds",
            "From the instant a window was due until the service began to send it.",
            LATENESS_BUCKETS_S,
        )

    def all(self) -> tuple[Metric, ...]:
        """Return every metric in the order of the exposition."""
        return tuple(vars(self).values())


def exposition(metrics: Sequence[Metric]) -> str:
    """Return the text that answers a scrape."""
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _head(name: str, text: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
