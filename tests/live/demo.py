"""`make live-demo`: smo drives a small shop on two real Karmada clusters, and is told while it does.

A reader believes what is seen from outside. So each step does something to the world (a load, a frozen API server), shows what
smo says to that as it says it, and then reads the outcome by kubectl from the clusters themselves. What is not seen in time
is a failure, with exit code 1 and the last lines of smo: the demo is a test, too.

It runs inside `scripts/live exec`, which says where everything is. Pods are KWOK's, so no request is ever served: the load is
a counter that Prometheus scrapes. Needs Python 3.11 and nothing else.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from stage import WIDTH, Missing, Narrator, NotSeen, Smo, World

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = "scenarios/live/shop.yaml"
# Down as soon as the load is, and 0.2 cents for a move: both so that nobody has to wait for what the demo shows.
POLICY = "anytime+rate:headroom=30%,down_after=3s"
SETTINGS = ["--policy", POLICY, "--set", "control.every=2s", "--set", "objective.moves=0.002"]
# The whole walk, and one step of it.
WALK_S, STEP_S = 150.0, 30.0
# What is promised of a loss, and for how long a cluster has to answer before it counts as back.
NOTICED_S, BACK_AFTER_S = 6.0, 10.0
INTERRUPTED = 130

CONNECTION = f"""\
karmada: {{kubeconfig: karmada.kubeconfig, namespace: shop}}
clusters: {{near: member1, far: member2}}
prometheus: {{url: PROMETHEUS}}
services:
  front: {{rate: 'sum(rate(http_requests_total{{service="front"}}[5s]))'}}
  back: {{rate: 'sum(rate(http_requests_total{{service="back"}}[5s]))'}}
probe: {{every: 1 s, lost_after: 3, back_after: {BACK_AFTER_S:.0f} s}}
"""


def counts(ready: dict[str, int] | None) -> tuple[int, int]:
    """Ready replicas of front and back; none where the cluster does not answer."""
    return (ready or {}).get("front", 0), (ready or {}).get("back", 0)


def told(front: int, back: int) -> str:
    """Replicas of both services, for a sentence."""
    return f"{front} of front and {back} of back"


class Demo:
    """The walk. Each step is a method that does, waits for what has to follow, and notes how long that took."""

    def __init__(self, world: World, narrator: Narrator, smo: Path, folder: Path) -> None:
        self.world, self.narrator, self.program, self.folder = world, narrator, smo, folder
        self.start = time.monotonic()
        self.smo: Smo | None = None
        self.last: Smo | None = None
        self.facts: list[str] = []

    def walk(self) -> None:
        """All of it, in order."""
        self.narrator.say("A shop of two services, front and back, on two clusters of a real Karmada. Lines with `do` are what "
                          "is done, with `smo` what smo says (and how many seconds after its start), with `see` what is read from "
                          "outside, by kubectl.")
        for step in (self.deploy, self.watch, self.act, self.grow, self.lose, self.recover, self.pause, self.remove):
            step()
        self.narrator.step("What happened")
        took = time.monotonic() - self.start
        for fact in [*self.facts, f"All of it took {took:.0f} s."]:
            self.narrator.line(textwrap.fill(fact, WIDTH, initial_indent="- ", subsequent_indent="  "))

    def until(self, what: str, limit_s: float, holds: Callable[[], bool]) -> float:
        """Waits until something holds; when that was."""
        start = time.monotonic()
        limit_s = min(limit_s, self.start + WALK_S - start)
        while not holds():
            if time.monotonic() > start + limit_s:
                raise NotSeen(f"not seen within {max(limit_s, 0):.0f} s: {what}")
            if self.smo and self.smo.child.poll() is not None:
                raise NotSeen(f"smo ended (exit code {self.smo.child.returncode}) before this was seen: {what}")
            time.sleep(0.1)
        return time.monotonic()

    def said(self, what: str, pattern: str, limit_s: float, since: float) -> float:
        """Waits until smo says so; when it did."""
        smo = self.driver()
        self.until(what, limit_s, lambda: smo.said_at(pattern, since) is not None)
        at = smo.said_at(pattern, since)
        assert at is not None, "it was just said"
        return at

    def driver(self) -> Smo:
        """The smo that acts."""
        assert self.smo is not None, "it was started in an earlier step"
        return self.smo

    def settled(self, where: str, wanted: tuple[int, int]) -> float:
        """Waits until all that is wanted is ready in one cluster; when it was."""
        what = f"{told(*wanted)} ready in {where}"
        return self.until(what, STEP_S, lambda: counts(self.world.ready(where)) == wanted)

    def see(self, names: tuple[str, ...] = ("near", "far")) -> None:
        """Reads by kubectl how many replicas are ready where."""
        found = {name: self.world.ready(name) for name in names}
        rows = []
        for index, service in enumerate(("front", "back")):
            here = [f"{name} does not answer" if ready is None else f"{counts(ready)[index]} ready in {name}"
                    for name, ready in found.items()]
            rows.append(f"{service + ':':<6} {', '.join(here)}")
        self.narrator.note("see", "\n".join(rows))

    def command(self, *words: str) -> list[str]:
        """A command of smo, shown as it is run."""
        rows = [""]
        for part in re.split(r" (?=--)", shlex.join(["smo", *words])):
            if len(rows[-1]) + len(part) > WIDTH - 14:
                rows.append("   ")
            rows[-1] += f" {part}"
        self.narrator.note("do", "$" + " \\\n".join(rows))
        return [str(self.program), *words]

    def run(self, *words: str) -> None:
        """A command of smo, to its end."""
        command = self.command(*words)
        self.last = Smo(command, self.folder, self.narrator)
        code = self.last.wait(20.0)
        if code != 0:
            raise NotSeen(f"`smo {words[0]}` ended with exit code {code}")

    def deploy(self) -> None:
        """Deployments at Karmada's API, and a load."""
        self.narrator.step("Deploy")
        self.narrator.say("Karmada joins two clusters: near, at 0.0375 $ for a core and hour, and far, at 0.05 $. The shop's "
                          "two Deployments are applied at Karmada's API. Nobody propagates them yet, so nothing runs.")
        self.narrator.note("do", "$ kubectl apply: Namespace shop, Deployments front and back")
        self.world.deploy()
        self.narrator.note("do", "load: 60 requests/s at front, every second one goes on to back")
        self.world.load(60)
        self.until("Prometheus has the rate", STEP_S, lambda: abs(self.world.rate() - 60) < 1)
        self.narrator.note("see", f"Prometheus: front {self.world.rate():.1f}/s")
        self.see()

    def watch(self) -> None:
        """In shadow: what it would do."""
        self.narrator.step("Watch, in shadow")
        self.narrator.say("The policy decides on what it sees, and nothing is written. A replica of front serves 20/s, one of "
                          "back 30/s. With 30 % of head-room the front needs 78/s, which are 4 replicas, and the back 39/s, "
                          "which are 2.")
        self.narrator.say("The scenario says what the world is like, a connection says where it is:")
        self.narrator.note("do", "live.yaml:\n" + (self.folder / "live.yaml").read_text().rstrip())
        self.run("run", SCENARIO, "--shadow", "live.yaml", *SETTINGS, "--until", "5s")
        if left := self.world.ours():
            raise NotSeen(f"shadow wrote something: {', '.join(left)}")
        self.narrator.note("see", "nothing of smo on the control plane: no policy, no ConfigMap")
        self.see()

    def act(self) -> None:
        """Live: the same, carried out."""
        self.narrator.step("Act, live")
        self.narrator.say("The same policy, and now it acts. Its first decision comes before the first measurement, so it begins "
                          "with the replicas that the scenario declares.")
        start = time.monotonic()
        command = self.command("run", SCENARIO, "--live", "live.yaml", *SETTINGS, "--until", "5min")
        self.smo = Smo(command, self.folder, self.narrator)
        at = self.settled("near", (4, 2))
        self.see()
        self.facts.append(f"Deploy: {told(4, 2)} were ready in near, the cheaper one, {at - start:.1f} s after smo was started.")

    def grow(self) -> None:
        """The load more than doubles."""
        self.narrator.step("Scale")
        self.narrator.say("The load rises to 130/s. With head-room these are 169/s, 9 replicas of front, and 84.5/s, 3 of back. "
                          "The rate is that of the last 5 s, so it takes as long until all of the rise is seen.")
        self.narrator.note("do", "load: 130 requests/s")
        start = time.monotonic()
        self.world.load(130)
        at = self.settled("near", (9, 3))
        self.see()
        self.facts.append(f"Scale: {told(9, 3)} were ready {at - start:.1f} s after the load rose from 60 to 130/s.")
        # Settled: no decision is under way that would mix with the loss.
        time.sleep(3.0)

    def lose(self) -> None:
        """The API server of a cluster hangs."""
        self.narrator.step("Lose a cluster")
        self.narrator.say("Near's API server is frozen: it takes connections and never answers, which Karmada needs most of a "
                          "minute to notice. smo asks each second, and leaves after three questions without an answer. "
                          "What near held counts as gone: nothing is waited for there.")
        self.narrator.note("do", "$ scripts/live signal api-member1 STOP")
        self.world.signal("api-member1", "STOP")
        start = time.monotonic()
        lost = self.said("smo says that near is lost", r"lost +cluster +near", NOTICED_S, start)
        at = self.settled("far", (9, 3))
        self.see()
        self.facts.append(f"Loss: noticed {lost - start:.1f} s after near was frozen; {told(9, 3)} were ready in far "
                          f"{at - lost:.1f} s later.")

    def recover(self) -> None:
        """It comes back, and is trusted late."""
        self.narrator.step("Recover")
        self.narrator.say(f"Near is thawed. It has to answer for {BACK_AFTER_S:.0f} s without a break before it counts as back. "
                          "Then smo returns, because near is cheaper; what serves in far goes when its successors in near are "
                          "ready.")
        self.narrator.note("do", "$ scripts/live signal api-member1 CONT")
        start = time.monotonic()
        self.world.signal("api-member1", "CONT")
        least, looks, at = self.moved_back()
        back = self.driver().said_at(r"back +cluster +near", start)
        if back is None or back - start < BACK_AFTER_S:
            raise NotSeen(f"the shop was moved back before near had answered for {BACK_AFTER_S:.0f} s")
        if least < 9:
            raise NotSeen(f"the move had a gap: at some look only {least} of 9 of front were ready")
        self.see()
        self.narrator.note("see", f"front: never fewer than {least} ready in both together, in {looks} looks since the thaw")
        self.facts.append(f"Recovery: near counted as back {back - start:.1f} s after it was thawed; {told(9, 3)} were ready "
                          f"there, and none left in far, {at - back:.1f} s later, without a gap.")

    def moved_back(self) -> tuple[int, int, float]:
        """Waits until all is in near again: the fewest of front that were ready at any look, the looks, and when."""
        totals: list[int] = []

        def is_back() -> bool:
            # Far first: one that has left it since this look is counted in both, and never in none.
            far = counts(self.world.ready("far"))
            near = counts(self.world.ready("near"))
            totals.append(far[0] + near[0])
            return (near, far) == ((9, 3), (0, 0))

        at = self.until("all of it is back in near, and nothing left in far", STEP_S, is_back)
        return min(totals), len(totals), at

    def pause(self) -> None:
        """The kill switch."""
        self.narrator.step("Kill switch")
        self.narrator.say("smo is paused, then the load falls back to 60/s. smo goes on to decide and to record, and changes "
                          "nothing until the switch is off.")
        start = time.monotonic()
        self.run("pause", "live.yaml", "--reason", "incident 4711")
        paused = self.said("smo says that it is paused", "paused +incident 4711", STEP_S, start)
        before = self.world.division()
        self.narrator.note("do", "load: 60 requests/s")
        self.world.load(60)
        self.said("smo decides that 4 of front are enough", "asked +front on near: [0-9]+ → 4", STEP_S, paused)
        time.sleep(3.0)
        if self.world.division() != before:
            raise NotSeen("the shop was divided anew while the kill switch was on")
        self.see()
        off = time.monotonic()
        self.run("pause", "live.yaml", "--off")
        at = self.settled("near", (4, 2))
        self.see()
        self.facts.append(f"Kill switch: nothing was changed for {off - paused:.1f} s, though fewer were wanted; "
                          f"{told(4, 2)} were left {at - off:.1f} s after it was off.")

    def remove(self) -> None:
        """The run ends, its record stays, the shop goes."""
        self.narrator.step("End, look back, remove")
        self.narrator.say("Ctrl-C ends a run. What it asked for stays, and its record has the form of a simulated one.")
        self.narrator.note("do", "Ctrl-C")
        smo, self.smo = self.driver(), None
        if (code := smo.end()) != 0:
            raise NotSeen(f"smo ended with exit code {code}")
        record = next((self.folder / "runs/shop").glob("*-live")).relative_to(self.folder)
        self.run("show", str(record), "--width", str(WIDTH - 6))
        self.see()
        self.narrator.say("The shop is taken off its clusters; its Deployments stay at Karmada's API, and run nowhere.")
        start = time.monotonic()
        self.run("remove", SCENARIO, "live.yaml")
        empty = ((0, 0), (0, 0))

        def is_gone() -> bool:
            return not self.world.ours() and empty == (counts(self.world.ready("near")), counts(self.world.ready("far")))

        at = self.until("no replica of the shop is left, and nothing of smo", STEP_S, is_gone)
        self.see()
        self.facts.append(f"Removal: no replica and nothing of smo was left {at - start:.1f} s after smo remove was called.")


def scratch(folder: Path, world: World) -> None:
    """A folder that looks like a clone, with the connection in it."""
    for name in ("scenarios", "traces"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "karmada.kubeconfig").symlink_to(world.run / "karmada.kubeconfig")
    (folder / "live.yaml").write_text(CONNECTION.replace("PROMETHEUS", world.prometheus))


def show(smo: Path, narrator: Narrator) -> int:
    """The demo, and what it leaves behind taken away; its exit code."""
    world = World(dict(os.environ))
    with tempfile.TemporaryDirectory(prefix="smo-demo-") as name:
        folder = Path(name)
        scratch(folder, world)
        demo = Demo(world, narrator, smo, folder)
        error: NotSeen | None = None
        try:
            demo.walk()
        except NotSeen as caught:
            error = caught
        finally:
            if demo.smo:
                demo.smo.end(signal.SIGTERM)
            with suppress(NotSeen):
                world.signal("api-member1", "CONT")
        if error:
            failed(demo, error)
    return 1 if error else 0


def failed(demo: Demo, error: NotSeen) -> None:
    """What was not seen, what smo said last, and where its records are kept."""
    smo = demo.smo or demo.last
    print(f"\nfailed: {error}", file=sys.stderr)
    lines = smo.lines[-15:] if smo else []
    print("the last lines of smo:" if lines else "smo has said nothing", file=sys.stderr)
    for _, line in lines:
        print(f"  {line}", file=sys.stderr)
    if (demo.folder / "runs").exists():
        kept = demo.world.run / "log" / "demo"
        shutil.copytree(demo.folder / "runs", kept, dirs_exist_ok=True)
        print(f"its records: {kept}", file=sys.stderr)


def interrupt(*_: object) -> NoReturn:
    """Whatever asks us to end is treated like Ctrl-C."""
    raise KeyboardInterrupt


def main() -> int:
    """Exit codes: 0 shown, 1 a step was not seen, 2 wrong command line, 3 cannot run here, 130 interrupted."""
    parser = argparse.ArgumentParser(description="smo on a real Karmada, told as it happens", allow_abbrev=False)
    parser.add_argument("--smo", type=Path, required=True, help="the program, built with the feature live")
    smo = parser.parse_args().smo.resolve()
    if not os.access(smo, os.X_OK):
        parser.error(f"there is no program {smo}: `cargo build --release --features live`")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        return show(smo, Narrator(sys.stdout.isatty()))
    except Missing as error:
        print(f"skipped: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
