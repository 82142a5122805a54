"""The fluid model of `src/backend/sim` in SimPy, as somebody would write it who knows SimPy.

A process each for the load, for the scrapes of a service, for the decisions, for a backlog that empties or fills, and for
every replica that starts. Requests flow: between two events, rates are constant, and sums are brought up to an event before
it changes them. Left out, so that this does *less* than `smo`: which node a replica runs on, the placement of services (each is
bound to its cluster), 95th percentiles and histograms of latency, the check of each plan, and all records.
"""

import math
from collections import deque

import simpy
from scipy.special import gammainc
from simpy.events import Event

# Who goes first at one instant, as in `src/backend/sim/event.rs`.
LOAD, READY, TURN, PLAN, SCRAPE, DECIDE = 0, 5, 6, 7, 8, 12
BACKLOG_STEP = 1.0


def at(env, time, order):
    """An event at an instant, in its order; SimPy's timeouts know only one."""
    event = Event(env)
    event._ok, event._value = True, None
    env.schedule(event, priority=order, delay=time - env.now)
    return event


class Service:
    """A service as a fluid queue, with its replicas."""

    def __init__(self, env, world):
        self.env, self.world = env, world
        self.arrivals = self.capacity = self.backlog = 0.0
        self.offered = self.served = self.dropped = self.good = 0.0
        self.updated = 0.0
        self.desired = self.ready = 0
        self.starting = []  # generations of replicas that start; one that is taken away is gone from here
        self.turn = None
        self.latency = self.share = None
        self.core_seconds = self.ready_seconds = 0.0
        self.scrapes = deque()
        self.held = deque()
        self.target = world.initial

    def settle(self):
        """Brings all sums up to now."""
        span = self.env.now - self.updated
        if span == 0:
            return
        self.updated = self.env.now
        idle = self.world.cpu_idle
        use = self.rate() / self.capacity if self.capacity else 0.0
        self.core_seconds += self.ready * (idle + (1 - idle) * use) * span
        self.ready_seconds += self.ready * span
        self.good += self.succeeding * self.share * span if self.share else 0.0
        inflow = self.arrivals * span
        here = self.backlog + inflow
        served = min(here, self.capacity * span)
        dropped = max(0.0, here - served - self.capacity * self.world.queue_limit)
        self.offered += inflow
        self.served += served
        self.dropped += dropped
        self.backlog = here - served - dropped
        if self.backlog < 1e-9:
            self.backlog = 0.0

    def rate(self):
        """Requests per second that leave served."""
        return self.capacity if self.backlog > 0 else min(self.arrivals, self.capacity)

    def reflow(self):
        """New latency, and when to look again."""
        full = self.capacity * self.world.queue_limit
        spare = self.capacity - self.arrivals
        if self.capacity > 0:
            is_full = spare < 0 and self.backlog >= full - 1e-9
            self.succeeding = self.arrivals * (self.capacity / self.arrivals if is_full else 1.0) if self.arrivals else 0.0
            latency = self.law()
            if latency != self.latency:
                self.latency, self.share = latency, self.within(*latency)
        else:
            self.succeeding, self.latency, self.share = 0.0, None, 0.0
        distance = self.backlog if spare > 0 else full - self.backlog
        if spare == 0 or distance <= 1e-9:
            self.turn = None
            return
        after = min(distance / abs(spare), BACKLOG_STEP)
        self.turn = at(self.env, self.env.now + after, TURN)
        self.env.process(self.turned(self.turn))

    def turned(self, turn):
        """A backlog is empty or full, or a second has passed."""
        yield turn
        if self.turn is turn:
            self.settle()
            self.reflow()

    def law(self):
        """Fixed part, mean and variance of a request's time (`src/backend/sim/latency`)."""
        workers = self.ready
        serving = workers / self.capacity
        if self.backlog > 0:
            return self.backlog / self.capacity, serving, serving * serving
        load = min(self.arrivals / self.capacity, 1 - 1e-9)
        if load <= 0:
            return 0.0, serving, serving * serving
        waits = load ** (math.sqrt(2 * (workers + 1)) - 1)
        tail = min(1 / (self.capacity * (1 - load)), self.world.queue_limit / waits)
        mean = waits * tail
        return 0.0, serving + mean, serving * serving + 2 * waits * tail * tail - mean * mean

    def within(self, fixed, mean, variance):
        """The share of requests within the promise."""
        left = self.world.slo - fixed
        return float(gammainc(mean * mean / variance, left * mean / variance)) if left > 0 else 0.0

    def change(self, ready):
        """So many replicas are ready from now on."""
        self.settle()
        self.ready = ready
        self.capacity = max(0.0, self.world.alpha * ready + self.world.beta) if ready else 0.0
        self.settle_overflow()
        self.reflow()

    def settle_overflow(self):
        """What no longer fits the queue is dropped."""
        full = self.capacity * self.world.queue_limit
        if self.backlog > full:
            self.dropped += self.backlog - full
            self.backlog = full

    def strive(self, desired):
        """Starts and ends replicas; who starts goes before who is ready."""
        self.desired = desired
        live = len(self.starting) + self.ready
        for _ in range(live, desired):
            token = object()
            self.starting.append(token)
            self.env.process(self.started(token))
        while live > desired and self.starting:
            self.starting.pop()
            live -= 1
        if live > desired:
            self.change(desired)

    def started(self, token):
        """A replica starts and then serves, if it is still wanted."""
        yield at(self.env, self.env.now + self.world.start, READY)
        if token in self.starting:
            self.starting.remove(token)
            self.change(self.ready + 1)

    def scraping(self):
        """Reads the counters every so often."""
        world = self.world
        time, kept = 0.0, 2 * world.scrape + world.window + world.delay
        while True:
            yield at(self.env, time, SCRAPE)
            self.settle()
            while self.scrapes and self.scrapes[0][0] < time - kept:
                self.scrapes.popleft()
            self.scrapes.append((time, self.offered))
            time += world.scrape

    def seen(self):
        """The rate that the newest scrape shows over the window before it; `None` where there are not two."""
        newest = None
        for scrape in reversed(self.scrapes):
            if newest is None:
                if scrape[0] + self.world.delay > self.env.now:
                    continue
                newest = oldest = scrape
            elif scrape[0] + self.world.window >= newest[0]:
                oldest = scrape
            else:
                break
        if newest is None or newest is oldest:
            return None
        return (newest[1] - oldest[1]) / (newest[0] - oldest[0])

    def wanted(self):
        """What the policy `rate` wants."""
        world, now, rate = self.world, self.env.now, self.seen()
        if rate is None:
            return self.target
        need = math.ceil((rate * (1 + world.headroom) - world.beta) / world.alpha - 1e-9)
        need = min(max(need, world.replicas_min), world.replicas_max)
        while self.held and self.held[-1][1] <= need:
            self.held.pop()
        while self.held and now - self.held[0][0] >= world.down_after:
            self.held.popleft()
        self.held.append((now, need))
        return self.held[0][1]


def simulate(world, load):
    """Runs the world to its end; gives the sums over all services."""
    env = simpy.Environment()
    services = [Service(env, world) for _ in range(world.services)]

    def loading():
        for time, row in load:
            yield at(env, time, LOAD)
            for service, rate in zip(services, row):
                if service.arrivals != rate:
                    service.settle()
                    service.arrivals = rate
                    service.reflow()

    def arriving(targets):
        yield at(env, env.now + world.effect, PLAN)
        for service, target in targets:
            service.strive(target)

    def deciding():
        time = 0.0
        while True:
            yield at(env, time, DECIDE)
            changed = []
            for service in services:
                wanted = service.wanted()
                if wanted != service.target:
                    service.target = wanted
                    changed.append((service, wanted))
            if time == 0:
                for service in services:
                    service.desired = service.target
                    service.change(service.target)
            elif changed:
                env.process(arriving(changed))
            time += world.every

    for service in services:
        service.succeeding = 0.0
        env.process(service.scraping())
    env.process(loading())
    env.process(deciding())
    end = world.hours * 3600.0
    env.run(until=end)
    for service in services:
        service.settle()
    nodes = world.clusters * world.nodes
    busy = sum(service.core_seconds for service in services)
    per_core = (world.power_max - world.power_idle) / world.cores
    joules = (nodes * world.power_idle * end + busy * per_core) * world.pue
    return {
        "requests": sum(service.offered for service in services),
        "requests_served": sum(service.served for service in services),
        "requests_dropped": sum(service.dropped for service in services),
        "requests_backlog": sum(service.backlog for service in services),
        "requests_good": sum(service.good for service in services),
        "replica_hours": sum(service.ready_seconds for service in services) / 3600,
        "cost": nodes * world.price * end / 3600,
        "energy_kwh": joules / 3.6e6,
        "carbon_kg": joules / 3.6e6 * world.carbon / 1000,
    }
