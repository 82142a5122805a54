"""Compares one run of the real world with its simulation: the figures of docs/fidelity.md.

Both runs had the same scenario, the same policy and the same load, and decided at the same interval. Their decisions are compared one
for one by their number, and what was wanted over time. What the simulation assumes of start times is set beside what the real
world took. Nothing is left out: the differences stand in the table, the largest first.

    python3 tests/live/fidelity.py --simulated RUN --live RUN --shadow RUN --log FILE > docs/fidelity-figures.md
"""

import argparse
import json
import re
import statistics
from pathlib import Path
from typing import Any

Targets = dict[str, dict[str, int]]
DONE = re.compile(r"done\s+(\S+) on (\S+): (\d+) → (\d+), after ([\d.]+) s")


class Run:
    """The decisions of a run: what was wanted of each service after each of them."""

    def __init__(self, directory: Path) -> None:
        self.summary: dict[str, Any] = json.loads((directory / "summary.json").read_text())
        self.times: list[float] = []
        self.targets: list[Targets] = []
        self.rates: list[dict[str, float | None]] = []
        self.events: list[dict[str, Any]] = []
        targets: Targets = {}
        for line in map(json.loads, (directory / "decisions.jsonl").read_text().splitlines()):
            if "decision" not in line:
                self.events.append(line)
                continue
            targets = targets | {one["service"]: one["target"] for one in line.get("services", [])}
            self.times.append(line["at_s"])
            self.targets.append(targets)
            self.rates.append({one["service"]: one["rate_seen_per_s"] for one in line.get("services", [])})

    def total(self, decision: int, service: str) -> int:
        """Replicas wanted of a service over all clusters."""
        return sum(self.targets[decision].get(service, {}).values())

    def changes(self) -> list[int]:
        """The decisions that wanted something else than the one before."""
        return [0] + [number for number in range(1, len(self.targets)) if self.targets[number] != self.targets[number - 1]]


def shift(one: Run, other: Run, service: str) -> list[float]:
    """How much later `other` came to each new number of replicas than `one`, in seconds; by the order of the changes."""
    def steps(run: Run) -> list[tuple[float, int]]:
        found = [(run.times[0], run.total(0, service))]
        for number in run.changes()[1:]:
            if run.total(number, service) != found[-1][1]:
                found.append((run.times[number], run.total(number, service)))
        return found

    mine, theirs = steps(one), steps(other)
    if [count for _, count in mine] != [count for _, count in theirs]:
        return []
    return [later - earlier for (earlier, _), (later, _) in zip(mine, theirs)]


def compare(simulated: Run, live: Run) -> list[str]:
    """The table of what was wanted."""
    count = min(len(simulated.targets), len(live.targets))
    services = sorted({name for targets in simulated.targets + live.targets for name in targets})
    lines = ["| service | decisions | equal | off by one | off by more | mean of the difference | changes, simulated | changes, live |",
             "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for name in services:
        gaps = [live.total(number, name) - simulated.total(number, name) for number in range(count)]
        equal, one = sum(gap == 0 for gap in gaps), sum(abs(gap) == 1 for gap in gaps)

        def changed(run: Run) -> int:
            return sum(run.total(number, name) != run.total(number - 1, name) for number in range(1, len(run.targets)))

        lines.append(f"| {name} | {count} | {equal / count:.1%} | {one / count:.1%} | {(count - equal - one) / count:.1%} | "
                     f"{statistics.fmean(gaps):+.3f} | {changed(simulated)} | {changed(live)} |")
    same = sum(simulated.targets[number] == live.targets[number] for number in range(count))
    lines += ["", f"All services and clusters alike: {same} of {count} decisions ({same / count:.1%})."]
    for name in services:
        late = shift(simulated, live, name)
        if late:
            lines.append(f"{name}: the same {len(late)} numbers in the same order, live {statistics.median(late):+.1f} s later in the median "
                         f"({min(late):+.1f} to {max(late):+.1f} s).")
    return lines


def differences(simulated: Run, live: Run, most: int) -> list[str]:
    """Stretches in which the two wanted something else, longest first."""
    count = min(len(simulated.targets), len(live.targets))
    stretches: list[tuple[int, int]] = []
    for number in range(count):
        if simulated.targets[number] != live.targets[number]:
            if stretches and stretches[-1][1] == number - 1:
                stretches[-1] = (stretches[-1][0], number)
            else:
                stretches.append((number, number))
    stretches.sort(key=lambda stretch: stretch[0] - stretch[1])
    lines = [f"{len(stretches)} stretches; the longest:", "", "| from | decisions | simulated | live |", "|---:|---:|---|---|"]
    for first, last in stretches[:most]:
        lines.append(f"| {live.times[first]:.0f} s | {last - first + 1} | {words(simulated.targets[first])} | {words(live.targets[first])} |")
    return lines


def words(targets: Targets) -> str:
    """`front near 3; back near 2`."""
    return "; ".join(f"{name} " + ", ".join(f"{cluster} {count}" for cluster, count in sorted(where.items()))
                     for name, where in sorted(targets.items()))


def ready(log: str) -> list[str]:
    """From decision to the last new replica ready, as the run told it."""
    took = [float(found[5]) for found in DONE.finditer(log) if int(found[4]) > int(found[3])]
    if not took:
        return ["No replicas were added."]
    took.sort()
    p95 = took[min(len(took) - 1, int(0.95 * len(took)))]
    return [f"From decision to the last new replica ready, {len(took)} times: median {statistics.median(took):.1f} s, 95th percentile "
            f"{p95:.1f} s, longest {took[-1]:.1f} s (to a tenth of a second)."]


def figures(runs: dict[str, Run]) -> list[str]:
    """Figures of all runs side by side; a dash is what nobody measures."""
    rows = [("requests", "requests_offered", "{:,.0f}"), ("replica-hours", "replica_hours", "{:.3f}"),
            ("node-hours", "node_hours", "{:.2f}"), ("price of nodes ($)", "cost_nodes_usd", "{:.3f}"),
            ("replica changes", "replica_changes", "{}"), ("moves", "moves", "{}"), ("decisions", "decisions", "{}"),
            ("refusals", "refusals", "{}"), ("violations", "violations", "{}"), ("actions that failed", "actions_failed", "{}")]
    lines = ["| figure | " + " | ".join(runs) + " |", "|---|" + "---:|" * len(runs)]
    for name, key, form in rows:
        values = [run.summary.get(key) for run in runs.values()]
        lines.append(f"| {name} | " + " | ".join("–" if value is None else form.format(value) for value in values) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("simulated", "live", "shadow", "log"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    asked = parser.parse_args()
    runs = {name: Run(getattr(asked, name)) for name in ("simulated", "live", "shadow")}
    parts = [("Decisions, one for one", compare(runs["simulated"], runs["live"])),
             ("Where they differ", differences(runs["simulated"], runs["live"], 12)),
             ("From decision to ready", ready(asked.log.read_text())),
             ("Figures", figures(runs))]
    for title, lines in parts:
        print(f"## {title}\n")
        print("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
