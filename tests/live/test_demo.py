"""Tests of the demo: how it ends where it cannot run, and that it tells of smo what smo says."""

import io
import os
import subprocess
import sys
import tempfile
import time
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import demo  # noqa: E402 (after the path is set)
from stage import Missing, Narrator, NotSeen, Smo, World  # noqa: E402

OUTSIDE = {key: value for key, value in os.environ.items() if not key.startswith("SMO_LIVE")}
INSIDE = {**OUTSIDE, "SMO_LIVE": "/bin/false", "SMO_LIVE_RUN": "/nowhere", "SMO_LIVE_EXPORTER": "", "SMO_LIVE_PROMETHEUS": ""}


def ended(*arguments: str) -> tuple[int, str]:
    """The demo as a program, outside of any stack: its exit code and what it complained of."""
    done = subprocess.run([sys.executable, "-B", demo.__file__, *arguments], env=OUTSIDE, capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stderr


class Ends(unittest.TestCase):
    """Exit codes, each with its reason."""

    def test_without_a_stack_it_is_three_and_says_how_to_get_one(self) -> None:
        code, said = ended("--smo", sys.executable)
        self.assertEqual((code, said), (3, "skipped: not inside the live stack: `make live-demo` brings it up\n"))

    def test_without_a_program_it_is_two(self) -> None:
        code, said = ended("--smo", "/nowhere/smo")
        self.assertEqual(code, 2)
        self.assertIn("there is no program /nowhere/smo", said)

    def test_a_world_needs_a_stack(self) -> None:
        with self.assertRaises(Missing):
            World(OUTSIDE)


class Tells(unittest.TestCase):
    """What is printed."""

    def setUp(self) -> None:
        self.said = io.StringIO()
        self.enterContext(redirect_stdout(self.said))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def child(self, code: str) -> Smo:
        smo = Smo([sys.executable, "-c", code], self.folder, Narrator(watched=False))
        self.addCleanup(smo.end)
        return smo

    def walk(self) -> demo.Demo:
        return demo.Demo(World(INSIDE), Narrator(watched=False), Path(sys.executable), self.folder)

    def test_colours_are_for_terminals_that_want_them(self) -> None:
        for watched, environment, coloured in ((True, {}, True), (True, {"NO_COLOR": "1"}, False), (False, {}, False)):
            with mock.patch.dict(os.environ, environment), self.subTest(watched=watched, environment=environment):
                if not environment:
                    os.environ.pop("NO_COLOR", None)
                self.assertEqual("\x1b[" in Narrator(watched).styled("near", "1"), coloured)

    def test_lines_of_smo_are_shown_and_kept_with_their_times(self) -> None:
        smo = self.child("print('lost   cluster  near'); print('asked  front on near: 9 → 0')")
        self.assertEqual(smo.wait(10.0), 0)
        self.assertEqual(self.said.getvalue(), "  smo lost   cluster  near\n  smo asked  front on near: 9 → 0\n")
        self.assertIsNotNone(smo.said_at(r"lost +cluster +near"))
        self.assertIsNone(smo.said_at(r"back +cluster +near"))
        self.assertIsNone(smo.said_at(r"lost +cluster +near", since=time.monotonic()), "it was said before")

    def test_a_long_command_is_shown_as_it_can_be_pasted(self) -> None:
        command = self.walk().command("run", demo.SCENARIO, "--live", "live.yaml", *demo.SETTINGS, "--until", "5min")
        shown = self.said.getvalue().replace("  do  $ ", "").replace("\\\n", "")
        self.assertEqual(shown.split(), ["smo", *command[1:]])
        self.assertLessEqual(max(map(len, self.said.getvalue().splitlines())), 100)

    def test_what_is_not_seen_in_time_is_said(self) -> None:
        with self.assertRaisesRegex(NotSeen, "not seen within 0 s: 4 of front"):
            self.walk().until("4 of front", 0.0, lambda: False)

    def test_a_smo_that_ends_early_is_not_waited_for(self) -> None:
        walk = self.walk()
        walk.smo = self.child("raise SystemExit(2)")
        walk.smo.wait(10.0)
        with self.assertRaisesRegex(NotSeen, r"smo ended \(exit code 2\) before this was seen: a loss"):
            walk.until("a loss", 30.0, lambda: False)


if __name__ == "__main__":
    unittest.main()
