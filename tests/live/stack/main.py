"""The command line of the live stack."""

import argparse
import os
import signal
import sys
from typing import NoReturn

from . import commands, recipes
from .build import build
from .check import check
from .errors import StackError, UsageError
from .layout import Layout
from .places import Places

INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """One line about what is wrong instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        """Raised, so that all errors leave by one door."""
        raise UsageError(f"{message} (see `live --help`)")


def parser() -> Parser:
    """All commands and their options."""
    root = Parser(prog="live", description="The real programs behind smo's live backend, in one network namespace.",
                  epilog="exit codes: 0 done, 1 failed, 2 usage, 3 cannot run here, 130 interrupted")
    add = root.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser).add_parser
    add("build", help="builds and installs what is missing in the cache")
    up = add("up", help="starts everything; returns when it serves")
    up.add_argument("--members", type=int, choices=(2, 3), help="member clusters (2)")
    up.add_argument("--gpu", action="store_true", help="a third member with a node that has nvidia.com/gpu: 1")
    up.add_argument("--estimators", action="store_true", help="Karmada's accurate estimators: room node by node")
    up.add_argument("--metrics", action="store_true", help="metrics-server in the members, and Karmada's adapter")
    up.add_argument("--reset", action="store_true", help="forgets kept state first")
    add("down", help="stops everything; state is kept")
    add("reset", help="stops everything and forgets its state")
    add("status", help="what runs, and its memory")
    logs = add("logs", help="the end of a program's log")
    logs.add_argument("name")
    logs.add_argument("-n", "--lines", type=int, default=50)
    add("env", help="prints where everything is, for `eval`")
    execute = add("exec", help="runs a command inside, with that environment")
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="CMD...")
    send = add("signal", help="freezes, thaws or ends one program")
    send.add_argument("name")
    send.add_argument("signal", choices=("STOP", "CONT", "KILL", "TERM"))
    add("restart", help="starts one program again").add_argument("name")
    add("check", help="tests the stack itself: deploy, alert, helm, registry, dashboard")
    return root


def layout_of(given: argparse.Namespace) -> Layout:
    """The options of `up`; a GPU lives in the third member."""
    if given.gpu and given.members == 2:
        raise UsageError("the GPU is in the third member: leave --members out, or say --members 3")
    return Layout(members=given.members or (3 if given.gpu else 2), gpu=given.gpu, estimators=given.estimators,
                  metrics=given.metrics)


def run(given: argparse.Namespace, places: Places) -> int:
    """Hands a command over; its exit code."""
    match given.command:
        case "build":
            build(places)
        case "up":
            commands.up(places, layout_of(given), given.reset)
        case "down":
            commands.down(places)
        case "reset":
            commands.reset(places)
        case "status":
            return commands.status(places)
        case "logs":
            commands.logs(places, given.name, given.lines)
        case "env":
            print(places.shell())
        case "exec":
            words = given.argv[1:] if given.argv[:1] == ["--"] else given.argv
            if not words:
                raise UsageError("exec needs a command")
            commands.execute(places, words)
        case "signal":
            commands.send(places, given.name, given.signal)
        case "restart":
            commands.restart(places, given.name)
        case "check":
            check(places)
    return 0


def interrupt(*_: object) -> NoReturn:
    """Whatever asks this command to end is treated like Ctrl-C: what was begun is taken back."""
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; what went wrong is one line and an exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        given = parser().parse_args(arguments)
        return run(given, Places.of(os.environ, recipes.key()))
    except StackError as error:
        word = "skipped" if error.code == 3 else "error"
        print(f"{word}: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
