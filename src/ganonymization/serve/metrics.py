"""Counts for whoever watches over the server, in Prometheus' text format."""

import threading
from collections import defaultdict

_HELP = {
    "requests_total": ("counter", "Requests answered, by path and status."),
    "request_seconds_total": ("counter", "Seconds spent on them."),
    "faces_total": ("counter", "Faces, by outcome: synthesized, filled, kept."),
    "frames_total": ("counter", "Camera frames, by outcome."),
    "waiting": ("gauge", "Requests that wait or are worked on."),
    "cameras": ("gauge", "Cameras connected."),
    "jobs": ("gauge", "Jobs by state."),
}


class Metrics:
    """Thread-safe sums; labels say only what kind of thing was counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = defaultdict(float)

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a sum."""
        with self._lock:
            self._sums[name, tuple(sorted(labels.items()))] += amount

    def text(self, gauges: dict[str, dict[str, float]]) -> str:
        """All sums, and gauges as they are now.

        Args:
            gauges: Values by label value, by name; "" for none.
        """
        with self._lock:
            sums = dict(self._sums)
        lines = []
        for short, (kind, words) in _HELP.items():
            name = f"ganonymization_{short}"
            lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
            for (found, labels), value in sorted(sums.items()):
                if found == short:
                    pairs = ",".join(f'{key}="{text}"' for key, text in labels)
                    lines.append(f"{name}{{{pairs}}} {value:g}")
            for state, now in gauges.get(short, {}).items():
                label = f'{{state="{state}"}}' if state else ""
                lines.append(f"{name}{label} {now:g}")
        return "\n".join(lines) + "\n"
