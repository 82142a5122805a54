"""Runs of `smo`, made and read back: what the notebooks share. A record is a folder of JSON and Parquet; nothing but polars is needed."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import polars as pl

SMO = os.environ.get("SMO", "smo")


@dataclass(frozen=True)
class Record:
    """One run: a policy in a scenario with a seed."""

    folder: Path
    manifest: dict
    summary: dict

    @classmethod
    def read(cls, folder):
        """The record in a folder."""
        folder = Path(folder)
        return cls(folder, json.loads((folder / "manifest.json").read_text()), json.loads((folder / "summary.json").read_text()))

    def lines(self):
        """What was decided and what happened, a dictionary a line, in order."""
        return [json.loads(line) for line in (self.folder / "decisions.jsonl").read_text().splitlines()]

    def series(self, of):
        """The series of the `services` (no cluster), of `placements` (both), or of the `clusters` (no service)."""
        service, cluster = {"services": (True, False), "placements": (True, True), "clusters": (False, True)}[of]
        rows = pl.read_parquet(self.folder / "series.parquet")
        rows = rows.filter(pl.col("service").is_not_null() == service, pl.col("cluster").is_not_null() == cluster)
        # A column belongs to one kind of row.
        return rows.select(column for column in rows if column.null_count() < rows.height)


def smo(*arguments):
    """What a command prints; its message where it fails."""
    done = subprocess.run([SMO, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"smo {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def simulate(scenario, *options, out):
    """Runs a scenario; gives all records, by folder."""
    smo("simulate", scenario, *options, "--out", out)
    return [Record.read(path.parent) for path in sorted(Path(out).rglob("manifest.json"))]
