"""Cost, energy and carbon of 100 sites by Vessim: the numbers of `benches/accounting.rs`, a step every 5 minutes.

A site is a microgrid with one consumer and a grid connection; price and carbon intensity are its grid signals. The sums are kept
by the lightest thing that Vessim has for it, a controller of two multiplications a site; nothing is recorded.
"""

import resource

import pandas as pd
import vessim

SITES, STEP, DAY = 100, 300, 288


def carbon(site, step):
    """Grams of CO2e per kWh."""
    return float(100 + (site * 37 + step * (step % 7 + 11)) % 500)


def price(site, step):
    """Dollars per kWh."""
    return (20 + (site * 13 + step * 29) % 200) / 1000


class Accounts(vessim.Controller):
    """Adds up what each site draws."""

    def __init__(self):
        self.sums = {}

    def step(self, now, microgrid_states):
        """Counts the step that begins."""
        for name, state in microgrid_states.items():
            kwh = -state["p_grid"] * STEP / 3.6e6
            signals = state["grid_signals"]
            sums = self.sums.setdefault(name, [0.0, 0.0, 0.0])
            sums[0] += kwh
            sums[1] += kwh * signals["price"]
            sums[2] += kwh * signals["carbon"]


def simulate(days):
    """Runs so many days; gives the sums of each site, and the processor seconds of the run alone."""
    steps = days * DAY
    environment = vessim.Environment(sim_start="2026-01-01", step_size=STEP)
    index = pd.to_timedelta([step * STEP for step in range(steps)], unit="s")

    def trace(value, site):
        return vessim.Trace(pd.Series([value(site, step) for step in range(steps)], index=index, name="value"), column="value")

    for site in range(SITES):
        environment.add_microgrid(
            name=f"site-{site:03}",
            actors=[vessim.Actor(name="nodes", signal=vessim.StaticSignal(-(1000.0 + 10 * site)))],
            dispatchables=[vessim.GridConnection()],
            grid_signals={"price": trace(price, site), "carbon": trace(carbon, site)},
        )
    accounts = environment.add_controller(Accounts())
    before = resource.getrusage(resource.RUSAGE_SELF)
    environment.run(until=steps * STEP)
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return list(accounts.sums.values()), seconds
