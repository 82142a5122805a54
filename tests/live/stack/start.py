"""Bringing the stack up: what waits for what, and what may go on at the same time.

The shape is two halves that meet. Telemetry needs nothing. Karmada and each member start next to each other as soon as etcd
serves; joining waits for both. On a first start definitions, nodes and joins are written; kept state has them already. Any
failure, Ctrl-C included, sets `cancelled`: every wait ends at once and the caller takes down what stands.
"""

import json
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

from . import certificates, objects, programs
from .errors import StackError
from .layout import Layout, Member
from .places import HERE, KARMADA_PORT, Places
from .processes import Processes, Program
from .web import Web

POLL_S = 0.05
TOOL_DEADLINE_S = 60.0
KARMADA = f"https://127.0.0.1:{KARMADA_PORT}"
CANARY = "smo-live"


class Starter:
    """One start of one stack."""

    def __init__(self, places: Places, layout: Layout, fresh: bool) -> None:
        self.places, self.layout, self.fresh = places, layout, fresh
        self.processes = Processes(places)
        self.cancelled = threading.Event()
        self.began, self.mark = time.monotonic(), str(time.time_ns())
        self.started: Counter[str] = Counter()

    def say(self, text: str) -> None:
        """A line of progress, with the seconds since the start."""
        print(f"{time.monotonic() - self.began:6.2f} s  {text}", flush=True)

    def together(self, *tasks: Callable[[], None]) -> None:
        """Runs tasks at the same time; the first that fails stops the others."""
        with ThreadPoolExecutor(len(tasks)) as pool:
            running = [pool.submit(task) for task in tasks]
            try:
                done, _ = wait(running, return_when=FIRST_EXCEPTION)
                failures = [error for one in done if (error := one.exception())]
            except BaseException:
                self.cancelled.set()
                raise
            if failures:
                self.cancelled.set()
                raise next((one for one in failures if not isinstance(one, Cancelled)), failures[0])

    def wait_until(self, what: str, deadline_s: float, holds: Callable[[], bool]) -> None:
        """Polls until it holds; says what was waited for in vain."""
        deadline = time.monotonic() + deadline_s
        while not holds():
            if time.monotonic() > deadline:
                raise StackError(f"{what}: not so after {deadline_s:g} s")
            if self.cancelled.wait(POLL_S):
                raise Cancelled(what)

    def serve(self, *wanted: Program) -> None:
        """Starts programs and waits until each serves."""
        for program in wanted:
            self.start(program)
        web = Web(self.places)
        for program in wanted:
            self.wait_until(f"{program.name} serves", program.deadline_s, partial(self.serves, program, web))
            self.say(program.name)

    def start(self, program: Program) -> None:
        """Starts a program, and counts that."""
        self.started[program.name] += 1
        self.processes.start(program)

    def serves(self, program: Program, web: Web) -> bool:
        """Whether a program serves; a dead one never will unless it is started again, and its log says why."""
        if not self.processes.alive(program.name):
            if self.started[program.name] < program.starts:
                self.say(f"{program.name} ended while it started, and is started again")
                self.start(program)
                return False
            lines = self.processes.last_lines(program.name, 15)
            raise StackError(f"{program.name} ended while it started; its log ends with\n{lines}")
        return not program.ready or web.serves(program.ready)

    def run(self, what: str, command: list[str], text: str = "") -> None:
        """A tool that ends by itself; killed when the start is cancelled. Files and not pipes, which could fill and block."""
        with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as said:
            given.write(text)
            given.seek(0)
            child = subprocess.Popen(command, stdin=given, stdout=said, stderr=said, env=self.places.environment())
            try:
                self.wait_until(f"{what}, done", TOOL_DEADLINE_S, lambda: child.poll() is not None)
            except StackError:
                child.kill()
                raise
            if child.returncode != 0:
                said.seek(0)
                raise StackError(f"{what} failed\n{said.read().strip()[-2000:]}")
        self.say(what)

    def apply(self, name: str, what: str, text: str) -> None:
        """Writes objects by kubectl, server-side: some definitions are too large for its annotation."""
        self.run(f"{what} at {name}", ["kubectl", f"--kubeconfig={self.places.kubeconfig(name)}",
                 f"--cache-dir={self.places.run}/kubectl/{name}", "apply", "--server-side", "--filename=-"], text)

    def shared(self, *names: str) -> str:
        """Manifests from the cache or this folder, told about the authority and about where webhooks listen."""
        files = [folder / name for name in names for folder in (self.places.share, HERE / "manifests")]
        text = "\n---\n".join(file.read_text() for file in files if file.exists())
        for address in ("{{name}}.{{namespace}}", "karmada-webhook.karmada-system"):
            text = text.replace(f"https://{address}.svc:443", "https://127.0.0.1:18443")
        return text.replace("{{caBundle}}", certificates.encoded(self.places.pki / "ca.crt"))

    def up(self) -> None:
        """The whole stack."""
        self.together(partial(self.serve, *programs.telemetry(self.places)), self.kubernetes)

    def kubernetes(self) -> None:
        """etcd, Karmada, the members, and their joining."""
        members = self.layout.clusters()
        if self.fresh:
            servers = {"karmada": KARMADA_PORT} | {member.name: member.port(6440) for member in members}
            certificates.make_all(self.places, servers)
            self.say("certificates")
        self.serve(programs.etcd(self.places))
        self.together(self.karmada, *[partial(self.member, member) for member in members])
        if self.fresh:
            self.together(*[partial(self.join, member) for member in members])
        self.apply("karmada", "mark", json.dumps(objects.namespace(CANARY, start=self.mark)))
        self.together(*[partial(self.await_cluster, member) for member in members])

    def karmada(self) -> None:
        """Karmada's own API and programs; its webhook first, because nothing can be written without it."""
        places, layout = self.places, self.layout
        self.serve(programs.karmada_api(places))
        if self.fresh:
            definitions = self.shared("karmada-crds.yaml", "prometheusrule.yaml", "submariner.yaml")
            self.together(partial(self.apply, "karmada", "services", json.dumps(objects.karmada_objects(places, layout))),
                          partial(self.apply, "karmada", "definitions", definitions))
        self.serve(programs.aggregated_api(places), programs.webhook(places), programs.karmada_controllers(places))
        self.wait_until("Karmada's API knows clusters", 60, self.knows_clusters)
        if self.fresh:
            self.apply("karmada", "webhooks", self.shared("karmada-webhooks.yaml"))
        more = [programs.estimator(places, member) for member in layout.clusters()] if layout.estimators else []
        more += [programs.metrics_adapter(places)] if layout.metrics else []
        self.serve(*programs.karmada_programs(places, layout), *more, programs.syncer())

    def knows_clusters(self) -> bool:
        """Whether discovery lists `Cluster`: Karmada's controllers ask once when they start, and then not for ten seconds."""
        web, accept = Web(self.places), {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
        try:
            groups = web.ask("GET", f"{KARMADA}/apis", headers=accept)["items"]
        except StackError:
            return False
        return any(group["metadata"]["name"] == "cluster.karmada.io" and version["freshness"] == "Current"
                   for group in groups for version in group["versions"])

    def member(self, member: Member) -> None:
        """One member: API, controllers, nodes."""
        places, layout = self.places, self.layout
        self.serve(programs.member_api(places, member))
        if self.fresh:
            self.apply(member.name, "nodes and definitions", self.shared("prometheusrule.yaml", "submariner.yaml") + "\n---\n"
                       + json.dumps(objects.member_objects(places, member, layout)))
        more = [programs.metrics_server(places, member)] if layout.metrics else []
        self.serve(*programs.member_programs(places, member, layout), *more)

    def join(self, member: Member) -> None:
        """Makes a member known to Karmada."""
        name, places = member.name, self.places
        self.run(f"{name} joined", [
            "karmadactl", "join", name, f"--kubeconfig={places.kubeconfig('karmada')}",
            f"--cluster-kubeconfig={places.kubeconfig(name)}", f"--cluster-provider=p-{name}", f"--cluster-region=r-{name}",
            f"--cluster-zones=z-{name}"])

    def await_cluster(self, member: Member) -> None:
        """Waits until Karmada says that a new member is ready with all its nodes, and a write has come through to it.

        Of a kept member Karmada says so from memory, seconds before its controllers look there again. So each start marks
        a namespace at Karmada's API and waits until the mark is at the member: then all that is between the two works.
        """
        web, ready = Web(self.places), f"{KARMADA}/apis/cluster.karmada.io/v1alpha1/clusters/{member.name}"
        arrived = f"https://127.0.0.1:{member.port(6440)}/api/v1/namespaces/{CANARY}"

        def known() -> bool:
            try:
                status, canary = web.ask("GET", ready)["status"], web.ask("GET", arrived)
            except (StackError, KeyError):
                return False
            is_ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))
            nodes = status.get("nodeSummary", {}).get("readyNum", 0)
            counted = "cpu" in status.get("resourceSummary", {}).get("allocatable", {})
            marked = canary["metadata"].get("labels", {}).get("start") == self.mark
            return is_ready and counted and marked and (nodes >= len(member.nodes) or not self.fresh)

        self.wait_until(f"{member.name} follows Karmada", 60, known)
        self.say(f"{member.name} follows Karmada")


class Cancelled(StackError):
    """Another task failed first."""
