"""The stage of the demo: who speaks, smo as a child, and the stack as it is seen from outside.

Apart from the story, because this part knows how and that part knows why. Nothing here waits for anything to become so.
"""

import json
import os
import re
import signal
import subprocess
import textwrap
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

NAMESPACE = "shop"
MEMBERS = {"near": "member1", "far": "member2"}
WIDTH = 100
# Where somebody watches, they have time to read what comes.
WORDS_PER_S = 8.0


class NotSeen(Exception):
    """Something did not happen in time, or went wrong."""


class Missing(Exception):
    """There is no stack to show anything on."""


class Narrator:
    """Who speaks: the story (plain), what is done (`do`), what smo says (`smo`), what kubectl reads (`see`)."""

    STYLES = {"do": "36", "smo": "2", "see": "32"}

    def __init__(self, watched: bool) -> None:
        self.watched, self.coloured = watched, watched and not os.environ.get("NO_COLOR")
        self.lock, self.steps = threading.Lock(), 0

    def styled(self, text: str, style: str) -> str:
        """`text` in a colour, where there are any."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.coloured else text

    def line(self, text: str = "") -> None:
        """A line, whole, whoever else speaks."""
        with self.lock:
            print(text, flush=True)

    def step(self, title: str) -> None:
        """The next part begins."""
        self.steps += 1
        self.line("\n" + self.styled(f"{self.steps}. {title}", "1"))

    def say(self, text: str) -> None:
        """A sentence or two of the story, and the time to read them."""
        self.line(textwrap.fill(text, WIDTH))
        if self.watched:
            time.sleep(len(text.split()) / WORDS_PER_S)

    def note(self, who: str, text: str) -> None:
        """Lines of somebody else."""
        for index, row in enumerate(text.split("\n")):
            row = f"{who if index == 0 else '':<4}{row}".rstrip()
            self.line(f"  {self.styled(row, self.STYLES[who])}")


class Smo:
    """A running smo, whose lines are shown as they come."""

    def __init__(self, command: list[str], folder: Path, narrator: Narrator) -> None:
        self.lines: list[tuple[float, str]] = []
        self.narrator = narrator
        # In a session of its own, so that Ctrl-C reaches it by us and not before us.
        self.child = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        """Shows and keeps each line."""
        assert self.child.stdout is not None, "it was asked for"
        with self.child.stdout as said:
            for line in said:
                self.lines.append((time.monotonic(), line.rstrip()))
                self.narrator.note("smo", line.rstrip())

    def said_at(self, pattern: str, since: float = 0.0) -> float | None:
        """When it first said so since then."""
        return next((at for at, line in list(self.lines) if at >= since and re.search(pattern, line)), None)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ends it politely; its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(number)
        return self.wait(10.0)

    def wait(self, limit_s: float) -> int:
        """Waits for its end, and for its last line; ends it by force where it does not come."""
        try:
            code = self.child.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            code = self.child.wait()
        self.reader.join(2.0)
        return code


class World:
    """The stack: what is read from it, and what is done to it."""

    def __init__(self, environment: dict[str, str]) -> None:
        if "SMO_LIVE" not in environment:
            raise Missing("not inside the live stack: `make live-demo` brings it up")
        self.script, self.run = environment["SMO_LIVE"], Path(environment["SMO_LIVE_RUN"])
        self.exporter, self.prometheus = environment["SMO_LIVE_EXPORTER"], environment["SMO_LIVE_PROMETHEUS"]

    def kubectl(self, cluster: str, *arguments: str, given: str | None = None) -> str | None:
        """What kubectl prints; nothing where it fails or the cluster does not answer."""
        command = ["kubectl", "--kubeconfig", str(self.run / f"{cluster}.kubeconfig"), "--request-timeout=2s"]
        done = subprocess.run([*command, *arguments], input=given, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def objects(self, cluster: str, kinds: str) -> list[dict[str, Any]] | None:
        """Objects in the shop's namespace; nothing where the cluster does not answer."""
        text = self.kubectl(cluster, "get", kinds, "--namespace", NAMESPACE, "--output", "json")
        return None if text is None else json.loads(text)["items"]

    def ready(self, name: str) -> dict[str, int] | None:
        """Ready replicas by Deployment, as the cluster `name` itself says."""
        found = self.objects(MEMBERS[name], "deployments")
        if found is None:
            return None
        return {one["metadata"]["name"]: one.get("status", {}).get("readyReplicas", 0) for one in found}

    def division(self) -> str:
        """How Karmada's bindings divide the shop, as text."""
        found = self.objects("karmada", "resourcebindings") or []
        return json.dumps([[one["metadata"]["name"], one["spec"].get("clusters", [])] for one in found])

    def ours(self) -> list[str]:
        """What smo has made on the control plane."""
        found = self.objects("karmada", "propagationpolicies,configmaps") or []
        names = [f"{one['kind']} {one['metadata']['name']}" for one in found]
        return [name for name in names if name.split()[1].startswith("smo-")]

    def deploy(self) -> None:
        """The shop, from nothing: what an interrupted demo left is forgotten first."""
        self.kubectl("karmada", "delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait", "--timeout=20s")
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        shop = [namespace, deployment("front", "500m", "512Mi"), deployment("back", "1", "1Gi")]
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": shop})
        if self.kubectl("karmada", "apply", "--server-side", "--filename", "-", given=manifest) is None:
            raise NotSeen("Karmada does not take the Deployments")

    def load(self, rate: float) -> None:
        """Requests per second at the front from now on; every second one goes on to the back."""
        lines = [{"name": "http_requests_total", "labels": {"service": name}, "kind": "counter", "rate": each}
                 for name, each in (("front", rate), ("back", rate / 2))]
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.exporter}/series", data, method="PUT"), timeout=5).close()

    def rate(self) -> float:
        """Requests per second at the front, as Prometheus has them."""
        query = urllib.parse.quote('sum(rate(http_requests_total{service="front"}[5s]))')
        with urllib.request.urlopen(f"{self.prometheus}/api/v1/query?query={query}", timeout=5) as answer:
            found = json.load(answer)["data"]["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def signal(self, program: str, name: str) -> None:
        """Freezes or thaws a program of the stack."""
        done = subprocess.run([self.script, "signal", program, name], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotSeen(f"scripts/live signal {program} {name}: {done.stderr.strip()}")


def deployment(name: str, cpu: str, memory: str) -> dict[str, Any]:
    """A Deployment that nobody propagates yet; it asks for what the scenario says."""
    container = {"name": "main", "image": f"{name}:1", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template}}
