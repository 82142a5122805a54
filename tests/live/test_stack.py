"""Tests of the scripts that start the live stack: what must hold on a machine that can run none of its programs."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

from stack import build, commands, exporter, main, namespace, objects  # noqa: E402 (after the path is set)
from stack import places, processes, programs, recipes, start, syncer  # noqa: E402
from stack.errors import Skipped, StackError  # noqa: E402
from stack.layout import GPU, Layout  # noqa: E402
from stack.web import Web  # noqa: E402


class Scratch(unittest.TestCase):
    """A run folder of its own, and nothing printed."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.places = places.Places(self.root, self.root / "bin", self.root / "run", "smo-live-test")
        self.said = io.StringIO()
        for redirect in (redirect_stdout(self.said), redirect_stderr(self.said)):
            self.enterContext(redirect)

    def child(self, **environment: str) -> processes.Identity:
        """A process that waits for its end, and is ended with the test."""
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True,
                                   env={**os.environ, **environment})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        stat = processes.read_stat(process.pid)
        assert stat is not None, "it was just started"
        return processes.Identity(process.pid, stat[2])


class CommandLine(Scratch):
    """Exit codes and what is said."""

    def run_main(self, *arguments: str) -> int:
        return main.main(list(arguments))

    def test_a_wrong_command_line_is_two_and_one_line(self) -> None:
        for line in ("", "fly", "up --members 4", "up --gpu --members 2", "signal etcd HUP", "exec", "logs", "logs etcd -n many"):
            with self.subTest(line=line):
                self.assertEqual(self.run_main(*line.split()), 2)
                self.assertEqual(len(self.said.getvalue().splitlines()), 1, self.said.getvalue())
            self.said.truncate(0), self.said.seek(0)

    def test_what_cannot_run_here_is_three_with_the_reason(self) -> None:
        with mock.patch.dict(os.environ, {"SMO_LIVE_BIN": str(self.root / "bin"), "SMO_LIVE_RUN": str(self.root / "run")}):
            self.assertEqual(self.run_main("up"), 3)
        self.assertRegex(self.said.getvalue(), r"\Askipped: the programs are not built \(bin/.* more\): `make live-stack`\n\Z")

    def test_ctrl_c_is_130(self) -> None:
        with mock.patch.object(commands, "status", side_effect=KeyboardInterrupt):
            self.assertEqual(self.run_main("status"), 130)

    def test_a_gpu_brings_its_member(self) -> None:
        given = main.parser().parse_args(["up", "--gpu"])
        self.assertEqual(main.layout_of(given), Layout(members=3, gpu=True))

    def test_exec_hands_options_over_untouched(self) -> None:
        given = main.parser().parse_args(["exec", "--", "kubectl", "get", "--help"])
        self.assertEqual(given.argv[-3:], ["kubectl", "get", "--help"])

    def test_env_is_for_eval_whatever_the_folder_is_called(self) -> None:
        odd = replace(self.places, run=Path("/tmp/it's $here"))
        printed = subprocess.check_output(["bash", "-c", f'{odd.shell()}\nprintf %s "$SMO_LIVE_RUN"'], text=True)
        self.assertEqual(printed, "/tmp/it's $here")


class Skips(Scratch):
    """Each thing that may be missing is named."""

    def test_without_root(self) -> None:
        with mock.patch("os.geteuid", return_value=1000), self.assertRaisesRegex(Skipped, "root"):
            namespace.create("smo-live-test")

    def test_without_ip(self) -> None:
        with mock.patch("shutil.which", return_value=None), self.assertRaisesRegex(Skipped, "iproute2"):
            namespace.ip("netns")

    def test_without_go(self) -> None:
        with mock.patch("shutil.which", return_value=None), self.assertRaisesRegex(Skipped, "Go is not installed"):
            build.go_environment(recipes.GO_MODULES[0])

    def test_with_an_old_go(self) -> None:
        self.enterContext(mock.patch("shutil.which", return_value="go"))
        self.enterContext(mock.patch.object(build, "run", return_value="go1.25.9\n"))
        with self.assertRaisesRegex(Skipped, r"Go 1\.26\.4 or later is needed, here is go1\.25\.9"):
            build.go_environment(recipes.GO_MODULES[0])

    def test_without_apt(self) -> None:
        with mock.patch("shutil.which", return_value=None), self.assertRaisesRegex(Skipped, "docker-registry.*prometheus"):
            build.install_packages(self.places)


class Pids(Scratch):
    """Nobody else's process is touched."""

    def test_a_pid_that_somebody_else_got_is_not_signalled(self) -> None:
        running = self.child()
        stale = replace(running, started=running.started - 1)
        self.assertIsNone(stale.state())
        stale.send(signal.SIGKILL)
        self.assertIsNotNone(running.state())

    def test_a_name_with_brackets_and_blanks_is_read(self) -> None:
        (self.root / "7").mkdir()
        (self.root / "7" / "stat").write_text("7 (a) b (c) T 3 " + " ".join(str(number) for number in range(5, 30)))
        # State is field 3, the parent field 4, and the start field 22 (numbered as in proc(5), so it reads 22).
        self.assertEqual(processes.read_stat(7, self.root), ("T", 3, 22))

    def test_a_process_that_waits_to_be_reaped_is_gone(self) -> None:
        (self.root / "7").mkdir()
        (self.root / "7" / "stat").write_text("7 (etcd) Z 3 " + " ".join(str(number) for number in range(5, 30)))
        self.assertIsNone(processes.Identity(7, 22).state(self.root))

    def test_a_frozen_process_ends_when_asked(self) -> None:
        frozen = self.child()
        frozen.send(signal.SIGSTOP)
        processes.end([frozen], grace_s=5)
        self.assertIsNone(frozen.state())

    def test_a_process_whose_pid_was_lost_is_found_by_its_mark(self) -> None:
        lost, other = self.child(**{places.MARK: str(self.places.run)}), self.child(**{places.MARK: "/elsewhere"})
        self.assertEqual(processes.marked(self.places.run), [lost])
        processes.Processes(self.places).stop_all()
        self.assertIsNone(lost.state())
        self.assertIsNotNone(other.state())

    def test_down_does_not_end_the_shell_it_runs_in(self) -> None:
        self.assertIn(os.getpid(), processes.ancestors())
        self.assertIn(os.getppid(), processes.ancestors())

    def test_a_program_that_dies_shows_the_end_of_its_log(self) -> None:
        starter = start.Starter(self.places, Layout(), fresh=True)
        self.places.claim_run()
        with self.assertRaisesRegex(StackError, "(?s)false ended while it started.*no stages found"):
            starter.serve(processes.Program("false", ["sh", "-c", "echo no stages found; exit 1"], "http://127.0.0.1:1/"))

    def test_a_program_that_is_known_to_die_at_its_start_is_started_again(self) -> None:
        starter = start.Starter(self.places, Layout(), fresh=True)
        self.places.claim_run()
        self.addCleanup(starter.processes.stop_all)
        script = "[ -e died ] && exec sleep 60; touch died; exit 1"
        starter.serve(processes.Program("flaky", ["sh", "-c", script], "", starts=2))
        starter.wait_until("it was started twice", 10, lambda: starter.serves(starter.processes.program("flaky"), Web(self.places))
                           and starter.started["flaky"] == 2)
        self.assertIn("flaky ended while it started, and is started again", self.said.getvalue())

    def test_an_unknown_program_is_answered_with_the_known_ones(self) -> None:
        with self.assertRaisesRegex(StackError, "no program 'etc'; there are: none, the stack is down"):
            processes.Processes(self.places).identity("etc")


class State(Scratch):
    """What is kept, and what is deleted."""

    def test_a_folder_with_files_of_others_is_refused(self) -> None:
        self.places.run.mkdir()
        (self.places.run / "thesis.txt").touch()
        with self.assertRaisesRegex(StackError, "SMO_LIVE_RUN"):
            commands.reset(self.places)
        self.assertTrue((self.places.run / "thesis.txt").exists())

    def test_state_of_other_options_or_of_half_a_start_is_not_kept(self) -> None:
        self.places.claim_run()
        self.assertFalse(commands.kept(self.places, Layout()))
        (self.places.run / "layout.json").write_text(json.dumps(Layout().facts()))
        self.assertTrue(commands.kept(self.places, Layout()))
        self.assertFalse(commands.kept(self.places, Layout(members=3)))

    def test_the_first_failure_stops_the_others(self) -> None:
        starter = start.Starter(self.places, Layout(), fresh=True)

        def fail() -> None:
            raise StackError("the first")

        with self.assertRaisesRegex(StackError, "the first"):
            starter.together(fail, lambda: starter.wait_until("never", 3600, lambda: False))


class Recipes(Scratch):
    """The key, and the store that it names."""

    def test_another_version_flag_or_pin_is_another_key(self) -> None:
        keys = {recipes.key()}
        changed = (replace(recipes.GO_MODULES[0], tags="more"), *recipes.GO_MODULES[1:])
        with mock.patch.object(recipes, "GO_MODULES", changed):
            keys.add(recipes.key())
        (self.root / "go" / "etcd").mkdir(parents=True)
        (self.root / "wheels.txt").write_text("helm")
        for pin in ("v1", "v2"):
            (self.root / "go" / "etcd" / "go.sum").write_text(pin)
            keys.add(recipes.key(self.root))
        self.assertEqual(len(keys), 4)

    def test_every_module_is_pinned_in_the_tree(self) -> None:
        for module in recipes.GO_MODULES:
            for name in ("go.mod", "go.sum"):
                self.assertTrue((places.HERE / "go" / module.name / name).stat().st_size, module.name)

    def test_every_wheel_is_pinned_by_hash(self) -> None:
        text = (places.HERE / "wheels.txt").read_text()
        for number in recipes.WHEELS:
            self.assertRegex(text, rf"kubectl-v{number}==[\d.]+ --hash=sha256:[0-9a-f]{{64}}\n")

    def test_what_fails_half_way_is_not_in_the_store(self) -> None:
        target = self.root / "bin" / "etcd"

        def half(draft: Path) -> None:
            draft.write_text("half")
            raise StackError("no space left")

        with self.assertRaises(StackError):
            build.store(target, half)
        self.assertEqual(list(target.parent.iterdir()), [])
        self.assertTrue(build.store(target, lambda draft: draft.write_text("whole")))
        self.assertFalse(build.store(target, lambda draft: self.fail("it is there")))
        self.assertEqual(target.read_text(), "whole")

    def test_a_failing_build_shows_its_last_lines(self) -> None:
        with self.assertRaisesRegex(StackError, r"go build failed; the last lines:\n11\n(\d+\n)+30\Z"):
            build.run("go build", ["sh", "-c", "seq 30; exit 1"])


class Exporter(unittest.TestCase):
    """Counters advance with time, here by hand."""

    def setUp(self) -> None:
        self.now = 100.0
        self.series = exporter.Series(lambda: self.now)

    def test_a_counter_goes_on_when_its_rate_changes(self) -> None:
        self.series.put('{"name": "requests_total", "labels": {"service": "front"}, "rate": 10}')
        self.now += 3  # 3 s at 10 a second: 30
        self.series.put('{"name": "requests_total", "labels": {"service": "front"}, "rate": 2}')
        self.now += 5  # and 5 s at 2: 40
        self.assertEqual(self.series.metrics(), '# TYPE requests_total counter\nrequests_total{service="front"} 40.000000\n')

    def test_a_gauge_stays(self) -> None:
        self.series.put('{"name": "queue", "kind": "gauge", "value": 3}')
        self.now += 60
        self.assertIn("queue{} 3.000000", self.series.metrics())

    def test_what_is_listed_can_be_put_again(self) -> None:
        self.series.put('{"name": "a_total", "rate": 1, "value": 5}\n'
                        '{"name": "b", "labels": {"x": "\\"y\\""}, "kind": "gauge", "value": 1}')
        again = exporter.Series(lambda: self.now)
        again.put(self.series.listed())
        self.assertEqual(again.metrics(), self.series.metrics())

    def test_one_wrong_line_sets_nothing_and_is_named(self) -> None:
        good = '{"name": "good_total", "rate": 1}\n'
        wrong = ("no json", "[1]", '{"name": "a b"}', '{"name": "a", "kind": "histogram"}', '{"name": "a", "rate": -1}',
                 '{"name": "a", "kind": "gauge"}', '{"name": "a", "kind": "gauge", "value": 1, "rate": 2}',
                 '{"name": "a", "labels": {"b": 1}}')
        for line in wrong:
            with self.subTest(line=line), self.assertRaisesRegex(ValueError, "line 2: "):
                self.series.put(good + line)
        self.assertEqual(self.series.metrics(), "")


class Syncer(Scratch):
    """Rule objects become files, level by level."""

    @staticmethod
    def item(name: str, expression: str) -> dict[str, object]:
        return {"metadata": {"namespace": "shop", "name": name}, "spec": {"groups": [{"name": name, "rules": [expression]}]}}

    def reconcile(self, *items: dict[str, object]) -> bool:
        return syncer.reconcile(list(items), self.root, valid=lambda text, _: "bad" not in text)

    def files(self) -> set[str]:
        return {file.name for file in self.root.glob("*")}

    def test_files_follow_objects_and_only_changes_count(self) -> None:
        self.assertTrue(self.reconcile(self.item("a", "up"), self.item("b", "up")))
        self.assertFalse(self.reconcile(self.item("a", "up"), self.item("b", "up")))
        self.assertTrue(self.reconcile(self.item("b", "up")))
        self.assertEqual(self.files(), {"object-shop_b.yaml"})
        self.assertEqual(json.loads((self.root / "object-shop_b.yaml").read_text()), {"groups": [{"name": "b", "rules": ["up"]}]})

    def test_a_bad_rule_leaves_the_last_good_one_and_the_others(self) -> None:
        self.reconcile(self.item("a", "up"))
        self.assertTrue(self.reconcile(self.item("a", "bad"), self.item("b", "up")))
        self.assertIn("up", (self.root / "object-shop_a.yaml").read_text())
        self.assertEqual(self.files(), {"object-shop_a.yaml", "object-shop_b.yaml"})

    def test_files_of_others_stay(self) -> None:
        (self.root / "mine.yaml").touch()
        self.reconcile()
        self.assertEqual(self.files(), {"mine.yaml"})

    def test_a_reload_that_failed_is_tried_again(self) -> None:
        web = mock.Mock()
        listed = {"items": [], "metadata": {"resourceVersion": "1"}}
        web.ask.side_effect = [listed, StackError("Prometheus is away"), listed, ""]
        web.open.return_value = io.BytesIO(b"")
        one = syncer.Syncer(web, self.root)
        one.pending = True
        with self.assertRaises(StackError):
            one.follow()
        one.follow()
        self.assertFalse(one.pending)


class Layouts(Scratch):
    """Nodes and ports."""

    def test_sums_are_as_the_documentation_says(self) -> None:
        members = Layout(members=3, gpu=True).clusters()
        self.assertEqual([sum(node.cpu for node in member.nodes) for member in members], [12, 16, 16])
        nodes = [objects.node(node, metrics=False)["status"]["allocatable"] for node in members[2].nodes]
        self.assertEqual([node.get(GPU) for node in nodes], ["1", None])

    def test_no_two_programs_share_a_port(self) -> None:
        layout = Layout(members=3, gpu=True, estimators=True, metrics=True)
        self.places.run.mkdir()
        every = [programs.etcd(self.places), programs.karmada_api(self.places), programs.karmada_controllers(self.places),
                 programs.aggregated_api(self.places), programs.webhook(self.places), programs.metrics_adapter(self.places),
                 programs.syncer(), *programs.karmada_programs(self.places, layout), *programs.telemetry(self.places)]
        for member in layout.clusters():
            every += [programs.member_api(self.places, member), *programs.member_programs(self.places, member, layout),
                      programs.estimator(self.places, member), programs.metrics_server(self.places, member)]
        ports = [program.ready.split(":")[2].split("/")[0] for program in every if program.ready]
        self.assertEqual(len(set(ports)), len(ports))
        self.assertEqual(len({program.name for program in every}), len(every))


if __name__ == "__main__":
    unittest.main()
