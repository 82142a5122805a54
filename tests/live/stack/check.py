"""A test of the stack itself: each thing that the live backend relies on is done once, for real, and timed.

What it makes is in a namespace of its own and removed again, so it may run on a stack that is in use.
"""

import json
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from . import namespace
from .errors import StackError
from .layout import Layout, Member
from .places import HERE, KARMADA_PORT, Places
from .web import Web

SPACE = "stack-check"
MANIFEST = HERE / "manifests" / "check.yaml"
KARMADA = f"https://127.0.0.1:{KARMADA_PORT}"
BINDING = f"{KARMADA}/apis/work.karmada.io/v1alpha2/namespaces/{SPACE}/resourcebindings/front-deployment"
HELMS = ("helm-3.17", "helm-4.1", "helm-4.3")
MERGE = {"Content-Type": "application/merge-patch+json"}
DEADLINE_S = 20.0
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: stack-check\nversion: 1.2.3\n",
    "templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {by: check}\n",
}


class Checks:
    """The checks, and what they share."""

    def __init__(self, places: Places) -> None:
        self.places, self.web, self.members = places, Web(places), Layout().clusters()

    def run(self, *command: str) -> str:
        """A tool that must succeed."""
        answer = subprocess.run(command, env=self.places.environment(), capture_output=True, text=True, check=False, timeout=60)
        if answer.returncode != 0:
            raise StackError(f"{' '.join(command)}: {(answer.stderr or answer.stdout).strip()}")
        return answer.stdout

    def kubectl(self, *arguments: str) -> str:
        """At Karmada's API."""
        return self.run("kubectl", f"--kubeconfig={self.places.kubeconfig('karmada')}", *arguments)

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        """Polls until there is an answer that counts as true."""
        deadline, last = time.monotonic() + DEADLINE_S, "no"
        while time.monotonic() < deadline:
            try:
                if answer := holds():
                    return answer
            except StackError as error:
                last = str(error)
            time.sleep(0.02)
        raise StackError(f"{what}: not so after {DEADLINE_S:g} s ({last})")

    def ready(self, member: Member) -> int:
        """Ready pods of the workload in a member."""
        pods = self.web.ask("GET", f"{address(member)}/{SPACE}/pods?labelSelector=app=front")
        return sum(any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))
                   for pod in pods["items"])

    def stands(self, wanted: dict[str, int]) -> bool:
        """Whether each member has so many ready pods and no more."""
        return all(self.ready(member) == wanted.get(member.name, 0) for member in self.members)

    def removed(self) -> bool:
        """Whether no member has the namespace any more: a stack stopped before that would go on with it next time."""
        listed = [self.web.ask("GET", address(member)) for member in self.members]
        return all(item["metadata"]["name"] != SPACE for one in listed for item in one["items"])

    def placement(self) -> str:
        """One write of the binding, and the pods stand where it says."""
        self.until("the binding waits for scheduler smo", lambda: "spec" in self.web.ask("GET", BINDING))
        for wanted in ({"member1": 3, "member2": 2}, {"member2": 5}):
            began = time.monotonic()
            clusters = [{"name": name, "replicas": count} for name, count in wanted.items()]
            self.web.ask("PATCH", BINDING, {"spec": {"clusters": clusters}}, MERGE)
            self.until(f"pods stand at {wanted}", partial(self.stands, wanted))
        return f"moved in {time.monotonic() - began:.2f} s"

    def alert(self) -> str:
        """A rule object, a rate that rises, and the webhook hears of it."""
        heard: queue.Queue[str] = queue.Queue()
        server = HTTPServer(("127.0.0.1", 8000), receiver(heard))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            self.until("the rule is in Prometheus", lambda: "StackCheck" in json.dumps(
                self.web.ask("GET", "http://127.0.0.1:9090/api/v1/rules")))
            began = time.monotonic()
            series = {"name": "stack_check_total", "rate": 20}
            self.web.ask("PUT", "http://127.0.0.1:9101/series", json.dumps(series))
            self.until("the webhook hears that it fires", lambda: not heard.empty() and heard.get() == "firing")
            self.web.ask("PUT", "http://127.0.0.1:9101/series", json.dumps(series | {"rate": 0}))
            self.until("the webhook hears that it is over", lambda: not heard.empty() and heard.get() == "resolved")
        finally:
            server.shutdown()
            server.server_close()
        return f"heard and over in {time.monotonic() - began:.1f} s"

    def helm(self) -> str:
        """Each helm pushes the chart, pulls it, and installs what it pulled."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for path, text in CHART.items():
                (folder / "chart" / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / "chart" / path).write_text(text)
            for helm in HELMS:
                self.release(helm, folder)
        return " ".join(HELMS)

    def release(self, helm: str, folder: Path) -> None:
        """One helm."""
        pulled = folder / helm
        pulled.mkdir()
        registry, package = "oci://127.0.0.1:5000/check", "stack-check-1.2.3.tgz"
        self.run(helm, "package", str(folder / "chart"), f"--destination={folder}")
        self.run(helm, "push", str(folder / package), registry, "--plain-http")
        self.run(helm, "pull", f"{registry}/stack-check", "--version=1.2.3", "--plain-http", f"--destination={pulled}")
        target = [f"--kubeconfig={self.places.kubeconfig('karmada')}", f"--namespace={SPACE}"]
        release = "check-" + helm.replace(".", "-")
        answer = self.run(helm, "upgrade", "--install", release, str(pulled / package), "--output=json", *target)
        if (state := json.loads(answer)["info"]["status"]) != "deployed":
            raise StackError(f"{helm}: the release is {state}")
        self.run(helm, "uninstall", release, *target)

    def dashboard(self) -> str:
        """A dashboard is made, found and removed."""
        wanted = {"dashboard": {"title": "stack check", "panels": []}, "overwrite": True}
        made = self.grafana("POST", "/api/dashboards/db", wanted)
        found = self.grafana("GET", f"/api/dashboards/uid/{made['uid']}")
        self.grafana("DELETE", f"/api/dashboards/uid/{made['uid']}")
        return f"{found['dashboard']['title']!r} was at {made['url']}"

    def grafana(self, method: str, path: str, body: Any = None) -> Any:
        """As its first administrator."""
        return self.web.ask(method, f"http://127.0.0.1:3000{path}", body, headers={"Authorization": "Basic YWRtaW46YWRtaW4="})


def address(member: Member) -> str:
    """The namespaces of a member."""
    return f"https://127.0.0.1:{member.port(6440)}/api/v1/namespaces"


def receiver(heard: "queue.Queue[str]") -> type[BaseHTTPRequestHandler]:
    """What stands where smo's webhook will stand."""

    class Receiver(BaseHTTPRequestHandler):
        """Notes whether the alert fires."""

        def do_POST(self) -> None:  # noqa: N802 (the name is the library's)
            """One notification."""
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if any(one["labels"]["alertname"] == "StackCheck" for one in sent["alerts"]):
                heard.put(sent["status"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            """Nothing."""

    return Receiver


def check(places: Places) -> None:
    """All checks; the first that fails ends it."""
    namespace.enter(places.namespace)
    checks = Checks(places)
    checks.kubectl("apply", "--server-side", f"--filename={MANIFEST}")
    try:
        for one in (checks.placement, checks.alert, checks.helm, checks.dashboard):
            began = time.monotonic()
            text = one()
            print(f"ok  {one.__name__:<10} {time.monotonic() - began:5.1f} s  {text}", flush=True)
    finally:
        checks.kubectl("delete", "--ignore-not-found", f"--filename={MANIFEST}")
        checks.until("the members have removed it, too", checks.removed)
