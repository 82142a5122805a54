"""The same worlds by `smo` and by its peers in Python, in the same run: `make bench-peers`.

    python benches/peers/run.py --smo target/release/smo --accounting "cargo bench --bench accounting"

Before anything is timed, both have to come to the same figures. Then they take turns, and the ratio of each turn is printed
with their range. Processor time is what counts: all of them are single threads, and it does not depend on how busy the machine
is. `SMO_BENCH_SMOKE` compares small worlds once.
"""

import argparse
import json
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fluid
import microgrids
from world import World

SMOKE = "SMO_BENCH_SMOKE" in os.environ
# Rounding differs (integers here, floating point there), and a rate on the border between two counts of replicas tips either
# way for one decision: a thousandth of the whole. What is small in itself (dropped requests) is held against the requests.
TOLERANCE = 1e-3


def seconds(who):
    """Processor seconds of this process or of those that it has waited for."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def by_smo(smo, folder, scenario):
    """The summary of one run of the program, its processor seconds and its seconds on the wall, reading and writing included."""
    out = folder / "runs"
    before, started = seconds(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [smo, "simulate", str(scenario), "-j", "1", "--out", str(out), "--format", "json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    spent = seconds(resource.RUSAGE_CHILDREN) - before, time.perf_counter() - started
    found = list(out.rglob("summary.json"))
    assert len(found) == 1, found
    return json.loads(found[0].read_text()), *spent


def by_simpy(world, load):
    """The figures of one run of SimPy, and what it took."""
    before, started = seconds(resource.RUSAGE_SELF), time.perf_counter()
    figures = fluid.simulate(world, load)
    return figures, seconds(resource.RUSAGE_SELF) - before, time.perf_counter() - started


def compare(ours, theirs):
    """Stops unless both engines found the same."""
    requests = ours["requests_offered"]
    pairs = {
        "requests": (requests, theirs["requests"]),
        "requests_served": (ours["requests_served"], theirs["requests_served"]),
        "requests_good": (ours["requests_good"], theirs["requests_good"]),
        "replica_hours": (ours["replica_hours"], theirs["replica_hours"]),
        "cost": (ours["cost_usd"], theirs["cost"]),
        "energy_kwh": (ours["energy_kwh"], theirs["energy_kwh"]),
        "carbon_kg": (ours["carbon_g"] / 1000, theirs["carbon_kg"]),
    }
    for name, (found, right) in pairs.items():
        print(f"  {name:16} smo {found:18,.3f}  SimPy {right:18,.3f}")
    lost = abs(ours["requests_dropped"] - theirs["requests_dropped"])
    print(f"  {'requests_dropped':16} smo {ours['requests_dropped']:18,.3f}  SimPy {theirs['requests_dropped']:18,.3f}")
    apart = [name for name, (found, right) in pairs.items() if abs(found - right) > TOLERANCE * abs(right)]
    if lost > TOLERANCE * requests:
        apart.append("requests_dropped")
    if apart:
        sys.exit(f"error: the models differ in {', '.join(apart)} by more than {TOLERANCE:.1%}: a time would mean nothing")


def spread(values, form="{:.3g}"):
    """Median and range."""
    return f"{form.format(statistics.median(values))} ({form.format(min(values))} to {form.format(max(values))})"


def fluid_model(smo):
    """One day of a rate policy, by both."""
    worlds = {"small": World(services=10, clusters=2, hours=6)}
    if not SMOKE:
        worlds["of the sweep's size"] = World()
    for name, world in worlds.items():
        load = world.load()
        turns = []
        for turn in range(1 if SMOKE else 5):
            with tempfile.TemporaryDirectory() as folder:
                scenario = world.write(Path(folder), load)
                ours, cpu, wall = by_smo(smo, Path(folder), scenario)
            theirs, their_cpu, their_wall = by_simpy(world, load)
            if turn == 0:
                print(f"fluid model, world {name}: {world.services} services, {world.clusters} clusters, {world.hours:g} h")
                compare(ours, theirs)
            turns.append((cpu, wall, their_cpu, their_wall))
        cpu, wall, their_cpu, their_wall = zip(*turns)
        print(f"  smo, files and page included: {spread(cpu)} s of processor time, {spread(wall)} s on the wall")
        print(f"  SimPy, the simulation alone:  {spread(their_cpu)} s of processor time, {spread(their_wall)} s on the wall")
        print(f"  ratio of processor time: {spread([b / a for a, _, b, _ in turns])} (bar 100)")


def accounts(command):
    """Prices and carbon of 100 sites, by both."""
    days = 1 if SMOKE else 5
    environment = {**os.environ, "SMO_BENCH_PEER": str(days)}
    print(f"accounting: {microgrids.SITES} sites, a price and an intensity each 5 min")
    ours, theirs = [], []
    for turn in range(1 if SMOKE else 3):
        sums, took = microgrids.simulate(days)
        theirs.append(microgrids.SITES * days * microgrids.DAY / took)
        done = subprocess.run(shlex.split(command), env=environment, check=True, stdout=subprocess.PIPE, text=True)
        told = json.loads(done.stdout.strip().splitlines()[-1])
        for here, there in zip(told["sites"], sums, strict=True):
            for found, right in zip(here, there, strict=True):
                if abs(found - right) > 1e-9 * abs(right):
                    sys.exit(f"error: the accounts differ: {here} by smo, {there} by Vessim")
        # Processor time comes in ticks of 10 ms, and the smoke size may need less than one.
        ours += [told["site_steps"] / each for each in told["seconds"] if each > 0]
    print(f"  energy, cost and carbon of all sites agree over {days} days to 1e-9")
    if not ours:
        print("  smo: too short to be timed")
        return
    print(f"  smo, a year:       {spread(ours, '{:,.0f}')} site-steps/s (bar 20,000,000)")
    print(f"  Vessim 0.16, {days} d:  {spread(theirs, '{:,.0f}')} site-steps/s")
    print(f"  ratio of the medians: {statistics.median(ours) / statistics.median(theirs):,.0f}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--smo", required=True, help="the program")
    arguments.add_argument("--accounting", required=True, help="the command that runs the bench `accounting`")
    given = arguments.parse_args()
    fluid_model(given.smo)
    accounts(given.accounting)
