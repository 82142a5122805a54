"""A load exporter: series whose rates tests and demos set, on http://127.0.0.1:9101/metrics.

Fake pods serve no requests, so nothing would ever count any. Here a counter advances with time at the rate that was set
last, as if somebody sent requests, and a gauge stays where it was put:

    PUT /series      one JSON object a line; each sets one series (name and labels), the others stay
        {"name": "http_requests_total", "labels": {"service": "front"}, "kind": "counter", "rate": 12.5}
        {"name": "queue_length", "kind": "gauge", "value": 3}
    GET /series      what is set, in the same form
    DELETE /series   forgets all
"""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
FIELDS = {"counter": {"name", "labels", "kind", "rate", "value"}, "gauge": {"name", "labels", "kind", "value"}}
Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class Line:
    """One series: `value` was true at `since`, and has grown by `rate` a second from then on."""

    kind: str
    value: float
    rate: float
    since: float

    def at(self, now: float) -> float:
        """The value now."""
        return self.value + self.rate * (now - self.since)


def parse(text: str) -> list[tuple[Key, str, float | None, float]]:
    """Key, kind, value if given, and rate of each line; a ValueError names the line and says what would be right."""
    parsed = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                parsed.append(parse_line(json.loads(line)))
            except (ValueError, TypeError, AttributeError) as error:
                raise ValueError(f"line {number}: {error}") from error
    return parsed


def parse_line(line: dict[str, Any]) -> tuple[Key, str, float | None, float]:
    """One series."""
    kind, name, labels = line.get("kind", "counter"), line.get("name", ""), line.get("labels", {})
    if kind not in FIELDS:
        raise ValueError(f"kind is {kind!r}; it may be counter or gauge")
    if extra := set(line) - FIELDS[kind]:
        raise ValueError(f"a {kind} has no {sorted(extra)[0]!r}; it has {', '.join(sorted(FIELDS[kind]))}")
    if not NAME.match(name) or not all(LABEL.match(label) and isinstance(value, str) for label, value in labels.items()):
        raise ValueError("name and labels are words of letters, digits and _; values of labels are text")
    value, rate = line.get("value"), float(line.get("rate", 0))
    if rate < 0 or (kind == "gauge" and value is None):
        raise ValueError("a counter has a rate of 0 or more, a gauge has a value")
    return (name, tuple(sorted(labels.items()))), kind, None if value is None else float(value), rate


class Series:
    """All series; time is an argument, so that tests need not wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.lines, self.lock = clock, dict[Key, Line](), threading.Lock()

    def put(self, text: str) -> None:
        """Sets series: all of the lines, or none where one is wrong. A counter goes on from where it is."""
        parsed = parse(text)
        with self.lock:
            now = self.clock()
            for key, kind, value, rate in parsed:
                before = self.lines.get(key)
                start = before.at(now) if value is None and before else value or 0.0
                self.lines[key] = Line(kind, start, rate, now)

    def clear(self) -> None:
        """Forgets all."""
        with self.lock:
            self.lines.clear()

    def metrics(self) -> str:
        """In the text format of Prometheus, grouped by name."""
        with self.lock:
            now, rows, last = self.clock(), [], ""
            for (name, labels), line in sorted(self.lines.items(), key=lambda item: item[0]):
                if name != last:
                    rows.append(f"# TYPE {name} {line.kind}")
                    last = name
                text = ",".join(f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in labels)
                rows.append(f"{name}{{{text}}} {line.at(now):.6f}")
        return "".join(f"{row}\n" for row in rows)

    def listed(self) -> str:
        """As `put` reads it."""
        with self.lock:
            now = self.clock()
            rows = [{"name": name, "labels": dict(labels), "kind": line.kind, "value": line.at(now)}
                    | ({"rate": line.rate} if line.kind == "counter" else {})
                    for (name, labels), line in sorted(self.lines.items(), key=lambda item: item[0])]
        return "".join(json.dumps(row) + "\n" for row in rows)


class Handler(BaseHTTPRequestHandler):
    """HTTP in front of `Series`."""

    series: Series

    def answer(self, code: int, text: str) -> None:
        """Plain text."""
        data = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:  # noqa: N802 (the name is the library's)
        """Metrics, or what is set."""
        texts = {"/metrics": self.series.metrics, "/series": self.series.listed}
        text = texts.get(self.path)
        self.answer(*((200, text()) if text else (404, "there are /metrics and /series\n")))

    def do_PUT(self) -> None:  # noqa: N802
        """Sets series."""
        try:
            self.series.put(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        except ValueError as error:
            self.answer(400, f"{error}\n")
        else:
            self.answer(200, "set\n")

    def do_DELETE(self) -> None:  # noqa: N802
        """Forgets all."""
        self.series.clear()
        self.answer(200, "forgotten\n")

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """A scrape a second is not worth a line."""


def main() -> None:
    """Serves until it is ended."""
    Handler.series = Series()
    ThreadingHTTPServer(("127.0.0.1", 9101), Handler).serve_forever()
