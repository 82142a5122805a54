"""Starting, finding and ending the programs of the stack, by pid, and never anybody else's.

A pid alone says little: once its process is gone the kernel gives it to the next one. So each program is kept as its pid
*and* the moment it started, and only what still has both is signalled. Programs lead sessions of their own: a Ctrl-C in
the terminal does not reach them, and what they start ends with them.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import StackError
from .places import MARK, Places

PROC = Path("/proc")
POLL_S = 0.02


@dataclass(frozen=True)
class Program:
    """One process of the stack: how it is started, and how it is known that it serves."""

    name: str
    command: list[str]
    # Answers 200 once it serves; empty where nobody asks it anything.
    ready: str
    deadline_s: float = 60.0
    # So often it may be started, where it is known to die of itself now and then while it starts.
    starts: int = 1


@dataclass(frozen=True)
class Identity:
    """One process for ever: the pid, and when it started in ticks since boot."""

    pid: int
    started: int

    def state(self, proc: Path = PROC) -> str | None:
        """The kernel's letter (R, S, T, ...), or None when the process is gone, waits to be reaped, or is another one."""
        stat = read_stat(self.pid, proc)
        if stat is None or stat[2] != self.started or stat[0] in "ZX":
            return None
        return stat[0]

    def send(self, number: int) -> None:
        """Signals the process and all it started, if it is still the one that was meant."""
        if self.state() is not None:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                # It leads no group (found by its mark), or ended just now.
                send_to_one(self.pid, number)

    def memory_mb(self) -> float:
        """Memory it is to blame for: pages that processes share count once for all of them."""
        try:
            lines = (PROC / str(self.pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            return 0.0
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def send_to_one(pid: int, number: int) -> None:
    """A signal to a process that may just have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def read_stat(pid: int, proc: Path = PROC) -> tuple[str, int, int] | None:
    """State, parent and start of a process; the name before them may itself hold blanks and brackets."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1]), int(fields[19])


def wait_gone(identities: Iterable[Identity], seconds: float) -> list[Identity]:
    """Waits for processes to end; what is left after `seconds`."""
    deadline = time.monotonic() + seconds
    left = [one for one in identities if one.state()]
    while left and time.monotonic() < deadline:
        time.sleep(POLL_S)
        left = [one for one in left if one.state()]
    return left


def end(identities: Iterable[Identity], grace_s: float) -> None:
    """Asks processes to end, then makes them; frozen ones are thawed, or they could not hear it."""
    identities = list(identities)
    for one in identities:
        one.send(signal.SIGTERM)
        one.send(signal.SIGCONT)
    left = wait_gone(identities, grace_s)
    for one in left:
        one.send(signal.SIGKILL)
    if left := wait_gone(left, 5.0):
        raise StackError(f"processes do not end: {' '.join(str(one.pid) for one in left)}")


def ancestors() -> set[int]:
    """This process and those that it was started by."""
    found, pid = set(), os.getpid()
    while pid > 1:
        found.add(pid)
        stat = read_stat(pid)
        pid = stat[1] if stat else 0
    return found


def marked(run: Path) -> list[Identity]:
    """All processes that carry the mark of the stack in `run`, except those that this command runs in."""
    mark, found, own = f"{MARK}={run}".encode(), [], ancestors()
    for folder in PROC.iterdir():
        if not folder.name.isdigit() or int(folder.name) in own:
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        stat = read_stat(int(folder.name))
        if mark in environment and stat:
            found.append(Identity(int(folder.name), stat[2]))
    return found


class Processes:
    """The programs of one run folder."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def start(self, program: Program) -> Identity:
        """Starts a program; its log goes on where it was, its pid is written before this returns."""
        places = self.places
        for folder in (places.log, places.pids, places.run / "programs"):
            folder.mkdir(parents=True, exist_ok=True)
        (places.run / "programs" / program.name).write_text(json.dumps(asdict(program), indent=1))
        try:
            with (places.log / f"{program.name}.log").open("ab") as log:
                child = subprocess.Popen(program.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=places.run,
                                         env=places.environment(), start_new_session=True)
        except OSError as error:
            raise StackError(f"{program.name} cannot be started: {error}") from error
        stat = read_stat(child.pid)
        identity = Identity(child.pid, stat[2] if stat else 0)
        temporary = places.pids / f".{program.name}"
        temporary.write_text(f"{identity.pid} {identity.started}\n")
        temporary.rename(places.pids / program.name)
        return identity

    def names(self) -> list[str]:
        """The programs that were started, in that order."""
        files = self.places.pids.glob("[!.]*")
        return [file.name for file in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name))]

    def identity(self, name: str) -> Identity:
        """Pid and start of a program that was started, running or not."""
        try:
            pid, started = (self.places.pids / name).read_text().split()
        except (OSError, ValueError):
            known = " ".join(self.names()) or "none, the stack is down"
            raise StackError(f"no program {name!r}; there are: {known}") from None
        return Identity(int(pid), int(started))

    def program(self, name: str) -> Program:
        """How a program was started."""
        self.identity(name)
        return Program(**json.loads((self.places.run / "programs" / name).read_text()))

    def alive(self, name: str) -> bool:
        """Whether it is there, be it frozen."""
        return self.identity(name).state() is not None

    def stop_all(self) -> None:
        """Ends all programs and whatever else carries the mark; etcd last, so that the others can still write."""
        last = self.identity("etcd") if "etcd" in self.names() else None
        end([one for one in marked(self.places.run) if one != last], grace_s=2.0)
        if last:
            end([last], grace_s=3.0)
        for file in list(self.places.pids.glob("*")):
            file.unlink()

    def last_lines(self, name: str, count: int) -> str:
        """The end of a log."""
        file = self.places.log / f"{name}.log"
        if not file.exists():
            known = " ".join(sorted(one.stem for one in self.places.log.glob("*.log"))) or "none"
            raise StackError(f"no log of {name!r}; there are: {known}")
        return "\n".join(file.read_text(errors="replace").splitlines()[-count:])
