"""What each command of `scripts/live` does to a stack."""

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import namespace
from .errors import Skipped, StackError
from .layout import Layout
from .places import RUN_MARKER, Places
from .processes import Processes, end, marked, wait_gone
from .recipes import missing
from .start import Starter

STATES = {"T": "frozen", "t": "frozen"}
LOCK_WAIT_S = 60.0
WATCHERS = 1024


@contextmanager
def locked(places: Places) -> Iterator[None]:
    """One command at a time changes a stack."""
    places.claim_run()
    with (places.run / RUN_MARKER).open("w") as file:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StackError(f"another command has worked on {places.run} for {LOCK_WAIT_S:g} s") from None
                time.sleep(0.1)
        yield


def up(places: Places, layout: Layout, reset_first: bool) -> None:
    """Starts the stack; on any failure, Ctrl-C included, nothing of it is left."""
    if lacking := missing(places):
        some = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
        raise Skipped(f"the programs are not built ({some}): `make live-stack`")
    with locked(places):
        if already_up(places, layout, reset_first):
            print(f"already up: {places.run}")
            return
        refuse_strangers(places)
        try:
            take_down(places)
            fresh = reset_first or not kept(places, layout)
            if fresh:
                forget(places)
            namespace.create(places.namespace)
            allow_watches()
            namespace.enter(places.namespace)
            starter = Starter(places, layout, fresh)
            starter.up()
        except BaseException:
            with uninterrupted():
                take_down(places)
            raise
        (places.run / "layout.json").write_text(json.dumps(layout.facts()))
        starter.say(f"up, {memory_mb(places):.0f} MB: {places.run}")


def allow_watches(limit: Path = Path("/proc/sys/fs/inotify/max_user_instances")) -> None:
    """Raises the kernel's limit of file watchers a user, until the next boot: each API server takes six of the usual 128."""
    if int(limit.read_text()) < WATCHERS:
        limit.write_text(str(WATCHERS))
        print(f"raised {limit} to {WATCHERS}")


def already_up(places: Places, layout: Layout, reset_first: bool) -> bool:
    """Whether all of it runs as wanted; what runs in part is started again, what runs otherwise is refused."""
    processes = Processes(places)
    names = processes.names()
    if reset_first or not names or not all(processes.alive(name) for name in names):
        return False
    if not kept(places, layout):
        raise StackError("already up with other options: `down` first, or `up --reset`")
    return True


def kept(places: Places, layout: Layout) -> bool:
    """Whether there is state of a start that came to its end with the same options."""
    file = places.run / "layout.json"
    return file.exists() and json.loads(file.read_text()) == layout.facts()


def refuse_strangers(places: Places) -> None:
    """The ports are fixed, so a namespace holds one stack."""
    if others := namespace.strangers(places):
        raise StackError(f"namespace {places.namespace} is in use by other processes ({' '.join(map(str, others))}): "
                         "end those, or name another namespace in SMO_LIVE_NAMESPACE and folder in SMO_LIVE_RUN")


def take_down(places: Places) -> None:
    """Ends all processes of the stack; removes the namespace unless nothing of ours was in it but others are."""
    processes = Processes(places)
    ours = processes.names() or marked(places.run)
    processes.stop_all()
    if ours or not namespace.strangers(places):
        namespace.remove(places)


def forget(places: Places) -> None:
    """Deletes the state; the folder is ours, `claim_run` saw to that."""
    for entry in places.run.iterdir():
        if entry.name != RUN_MARKER:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def down(places: Places) -> None:
    """Stops the stack; its state stays."""
    with locked(places), uninterrupted():
        take_down(places)
    print("down")


def reset(places: Places) -> None:
    """Stops the stack and forgets its state."""
    with locked(places), uninterrupted():
        take_down(places)
        forget(places)
    print("down, nothing kept")


def status(places: Places) -> int:
    """A table of the programs; 0 if all of them are there."""
    processes = Processes(places)
    names = processes.names()
    for name in names:
        identity = processes.identity(name)
        state = identity.state()
        text = "gone" if state is None else STATES.get(state, "runs")
        print(f"{name:<20} {identity.pid:>8}  {text:<7} {identity.memory_mb() if state else 0:6.0f} MB")
    gone = [name for name in names if not processes.alive(name)]
    total = f"{len(names) - len(gone)} of {len(names)} programs, {memory_mb(places):.0f} MB, namespace {places.namespace}"
    print(f"{total}: {places.run}" if names else "down")
    return 1 if gone or not names else 0


def memory_mb(places: Places) -> float:
    """Memory of all that runs."""
    processes = Processes(places)
    return sum(one.memory_mb() for name in processes.names() if (one := processes.identity(name)).state())


def logs(places: Places, name: str, lines: int) -> None:
    """The end of a program's log."""
    print(Processes(places).last_lines(name, lines))


def execute(places: Places, command: list[str]) -> None:
    """Becomes a command inside the namespace."""
    namespace.enter(places.namespace)
    environment = places.environment()
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise StackError(f"no command {command[0]!r}")
    os.execve(program, command, environment)


def send(places: Places, name: str, signal_name: str) -> None:
    """Freezes, thaws or ends one program; returns when it has happened."""
    identity = Processes(places).identity(name)
    if identity.state() is None:
        raise StackError(f"{name} does not run")
    number = signal.Signals[f"SIG{signal_name}"]
    identity.send(number)
    if number == signal.SIGKILL:
        wait_gone([identity], 5.0)


def restart(places: Places, name: str) -> None:
    """Ends one program, if it runs, and starts it as it was; returns when it serves."""
    with locked(places):
        namespace.enter(places.namespace)
        processes = Processes(places)
        program = processes.program(name)
        end([processes.identity(name)], grace_s=2.0)
        Starter(places, Layout(), fresh=False).serve(program)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A second Ctrl-C must not leave half of it behind."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
