"""PrometheusRule objects of Karmada's API become rule files of Prometheus: what its operator does in a cluster.

`spec.groups` of the object has the very shape of a rule file. Any change makes it read all objects again and bring the
folder in line (level, not edge: a missed event costs nothing). A rule that Prometheus would refuse is left out and logged,
for one bad file would make it refuse all of them. Files of others in the folder are not touched.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import StackError
from .places import KARMADA_PORT, Places
from .web import Web

PREFIX = "object-"
RULES = f"https://127.0.0.1:{KARMADA_PORT}/apis/monitoring.coreos.com/v1/prometheusrules"
RELOAD = "http://127.0.0.1:9090/-/reload"


def file_name(item: dict[str, Any]) -> str:
    """The file of an object; names cannot hold the underscore."""
    return f"{PREFIX}{item['metadata']['namespace']}_{item['metadata']['name']}.yaml"


def is_valid(text: str, folder: Path) -> bool:
    """Asks promtool, which is of the same version as the Prometheus that will read the file."""
    draft = folder / ".draft"
    draft.write_text(text)
    answer = subprocess.run(["promtool", "check", "rules", str(draft)], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        print(answer.stderr.strip(), flush=True)
    draft.unlink()
    return answer.returncode == 0


def reconcile(items: list[dict[str, Any]], folder: Path, valid: Callable[[str, Path], bool] = is_valid) -> bool:
    """Brings the files in line with the objects; whether anything changed. A bad update leaves the last good rules."""
    wanted = {file_name(item): json.dumps({"groups": item["spec"].get("groups", [])}, indent=1) for item in items}
    changed = False
    for file in folder.glob(f"{PREFIX}*.yaml"):
        if file.name not in wanted:
            file.unlink()
            changed = True
    for name, text in wanted.items():
        file = folder / name
        if file.exists() and file.read_text() == text or not valid(text, folder):
            continue
        (folder / ".new").write_text(text)
        (folder / ".new").rename(file)
        changed = True
    return changed


class Syncer:
    """Follows the objects; remembers that Prometheus has yet to be told."""

    def __init__(self, web: Web, folder: Path) -> None:
        self.web, self.folder, self.pending = web, folder, False

    def follow(self) -> None:
        """One reading of all objects, then waiting for the next change, half a minute at the most."""
        listed = self.web.ask("GET", RULES)
        self.pending |= reconcile(listed["items"], self.folder)
        if self.pending:
            self.web.ask("POST", RELOAD)
            self.pending = False
            print(f"{len(listed['items'])} objects are in force", flush=True)
        version = listed["metadata"]["resourceVersion"]
        with self.web.open("GET", f"{RULES}?watch=1&timeoutSeconds=30&resourceVersion={version}", timeout=40.0) as events:
            events.readline()


def main() -> None:
    """Follows until it is ended; an API server that is away is asked again."""
    places = Places.of(os.environ, key="")
    places.rules.mkdir(parents=True, exist_ok=True)
    syncer = Syncer(Web(places), places.rules)
    while True:
        try:
            syncer.follow()
        except (StackError, OSError) as error:
            print(error, flush=True)
            time.sleep(0.5)
