"""Services of a known capacity under an autoscaler, as a monitoring system would see them: only the standard library.

    python3 notebooks/service.py scenarios/observations/three-services.csv.gz

writes the example that the documentation fits. The model: load is diurnal with noise; the autoscaler keeps CPU at a target share
of the limit (the rule of the HPA: ceil(replicas * utilisation / target), 10 % tolerance, five minutes of stabilisation when it
scales down); CPU is D*x + b*r with noise; latency is fixed + service + waiting (Sakasegawa 1977). In episodes more is offered
than the replicas serve: they are saturated, and the autoscaler stands still.
"""

import csv
import gzip
import io
import math
import random
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """What is true of a service."""

    name: str
    alpha: float = 30.0  # requests per second of one replica at its usable share
    idle: float = 0.05  # cores of an idle replica
    usable: float = 0.92  # share of the limit that can be used
    limit: float = 1.0  # cores
    target: float = 0.6  # utilisation that the autoscaler keeps
    load: float = 200.0  # mean requests per second
    fixed: float = 0.02  # seconds that do not depend on load
    workers: int = 4  # of one replica
    episodes: tuple = ()  # (first minute, minutes) in which more is offered than served
    constant: int = 0  # this many replicas and no autoscaler
    shows_cpu: bool = True
    change: tuple = ()  # (minute, factor): a new version multiplies the capacity


def waiting(rate, replicas, alpha, workers):
    """Mean wait in seconds of an M/M/c queue, after Sakasegawa."""
    servers = replicas * workers
    rho = min(rate / (replicas * alpha), 0.999)
    return rho ** (math.sqrt(2 * (servers + 1)) - 1) / ((1 - rho) * replicas * alpha)


def observe(service, minutes=1440, seed=1, start=1_709_208_000):
    """Rows of one service, one a minute."""
    dice = random.Random(f"{service.name}-{seed}")
    demand = (service.usable * service.limit - service.idle) / service.alpha
    replicas = service.constant or max(1, round(service.load / (service.target * service.alpha)))
    wished = [replicas]
    noise, backlog = 0.0, 0.0
    rows = []
    for minute in range(minutes):
        factor = service.change[1] if service.change and minute >= service.change[0] else 1.0
        alpha, cost = service.alpha * factor, demand / factor
        noise = 0.9 * noise + dice.gauss(0, 0.02)
        day = 1 + 0.5 * math.sin(2 * math.pi * (minute / 1440 - 0.375))
        offered = max(0.1, service.load * day * math.exp(noise))
        saturated = any(first <= minute < first + length for first, length in service.episodes)
        if saturated:
            offered = replicas * alpha * (1.15 + 0.1 * dice.random())
        capacity = replicas * alpha
        completed = min(offered + backlog / 60, capacity) * (1 + dice.gauss(0, 0.003))
        backlog = min(max(0.0, backlog + 60 * (offered - capacity)), 20 * capacity)
        cpu = max(0.0, (cost * completed + service.idle * replicas) * (1 + dice.gauss(0, 0.015)))
        cpu = min(cpu, service.limit * replicas)
        mean = service.fixed + service.workers / alpha + waiting(completed, replicas, alpha, service.workers) + backlog / capacity
        mean *= math.exp(dice.gauss(0, 0.04))
        rows.append(
            {
                "time": start + 60 * minute,
                "service": service.name,
                "class": "edge",
                "version": "v2" if factor != 1.0 else "v1",
                "replicas_ready": replicas,
                "offered_per_s": round(offered, 3),
                "requests_per_s": round(completed, 3),
                "cpu_cores": round(cpu, 4) if service.shows_cpu else "",
                "cpu_limit_cores": service.limit,
                "latency_mean_ms": round(1e3 * mean, 2) if service.shows_cpu else "",
            }
        )
        if not service.constant and not saturated:
            used = cpu / (replicas * service.limit)
            ratio = used / service.target
            wish = replicas if abs(ratio - 1) <= 0.1 else max(1, math.ceil(replicas * ratio))
            wished = (wished + [wish])[-5:]
            replicas = wish if wish > replicas else max(wished)
            replicas = max(1, replicas)
    return rows


EXAMPLE = (
    Service("cart", episodes=((500, 14), (800, 16), (1150, 18))),
    Service("web", alpha=55.0, load=300.0),
    Service("mail", alpha=12.0, load=10.0, constant=2, shows_cpu=False),
)


def write(path, services=EXAMPLE, minutes=1440):
    """Writes the rows of services by rising time, the same bytes each time."""
    rows = [row for service in services for row in observe(service, minutes)]
    rows.sort(key=lambda row: (row["time"], row["service"]))
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    write(sys.argv[1])
