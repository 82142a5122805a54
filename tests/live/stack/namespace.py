"""The network namespace: loopback and nothing else, so that no port clashes and nothing gets out.

Entered by the system call and not by `ip netns exec`, so that this program, and all it starts from then on, is inside and
can simply talk to 127.0.0.1.
"""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

from .errors import Skipped, StackError
from .places import Places
from .processes import Identity, marked, read_stat

NAMED = Path("/run/netns")
CLONE_NEWNET = 0x40000000


def ip(*arguments: str) -> str:
    """Runs iproute2."""
    program = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise Skipped("ip is not installed (Debian: iproute2)")
    answer = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise StackError(f"ip {' '.join(arguments)}: {answer.stderr.strip()}")
    return answer.stdout


def exists(name: str) -> bool:
    """Whether there is a namespace of that name."""
    return (NAMED / name).exists()


def create(name: str) -> None:
    """Makes the namespace with its loopback up; one that exists is used as it is."""
    if os.geteuid() != 0:
        raise Skipped("network namespaces need root")
    if not exists(name):
        try:
            ip("netns", "add", name)
        except StackError as error:
            raise Skipped(f"no network namespaces here: {error}") from error
    ip("-n", name, "link", "set", "lo", "up")


def enter(name: str) -> None:
    """Moves this thread into the namespace; threads and processes started afterwards follow."""
    if not exists(name):
        raise StackError(f"the stack is down (no namespace {name}): start it with `up`")
    library = ctypes.CDLL(None, use_errno=True)
    with (NAMED / name).open() as file:
        if library.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise StackError(f"cannot enter the namespace {name}: {os.strerror(ctypes.get_errno())}")


def strangers(places: Places) -> list[int]:
    """Processes in the namespace that are not of this stack."""
    if not exists(places.namespace):
        return []
    ours = {one.pid for one in marked(places.run)} | {os.getpid()}
    found = [int(pid) for pid in ip("netns", "pids", places.namespace).split()]
    return [pid for pid in found if pid not in ours and is_alive(pid)]


def is_alive(pid: int) -> bool:
    """Whether a process is more than a name that waits to be reaped."""
    stat = read_stat(pid)
    return stat is not None and Identity(pid, stat[2]).state() is not None


def remove(places: Places) -> None:
    """Removes the namespace, unless somebody is still in it: without its name nobody could find them any more."""
    if not exists(places.namespace):
        return
    if left := strangers(places):
        raise StackError(f"namespace {places.namespace} stays, processes are in it: {' '.join(map(str, left))}")
    ip("netns", "del", places.namespace)
