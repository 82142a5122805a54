"""The world that both engines simulate: services that are each bound to one cluster, a day's load at a row a minute.

Everything that draws is fixed (starts, pulls, scrapes without jitter), so that the figures of both can be compared.
"""

import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class World:
    """Its size, and what is the same of all services."""

    services: int = 50
    clusters: int = 10
    hours: float = 24
    # Requests per second: alpha of each replica, beta once (the original's capacity).
    alpha: float = 20.0
    beta: float = -2.0
    initial: int = 5
    replicas_min: int = 1
    replicas_max: int = 60
    # Seconds.
    start: float = 10.0
    queue_limit: float = 15.0
    slo: float = 0.5
    every: float = 15.0
    scrape: float = 15.0
    window: float = 60.0
    delay: float = 5.0
    effect: float = 2.0
    # The policy `rate`.
    headroom: float = 0.2
    down_after: float = 300.0
    # Nodes of a cluster, their cores, power in watts, price in $/h, PUE; CPU of an idle replica.
    nodes: int = 8
    cores: int = 16
    power_idle: float = 100.0
    power_max: float = 260.0
    price: float = 1.0
    pue: float = 1.5
    cpu_idle: float = 0.05
    carbon: float = 300.0  # g/kWh

    def load(self):
        """Rows (seconds, [rate of each service]): a wave, noise, and a crowd at every fifth service that overloads it."""
        rows = []
        for minute in range(math.ceil(self.hours * 60)):
            row = []
            for service in range(self.services):
                phase = minute / 1440 + service / self.services
                wave = 1 - 0.8 * math.cos(2 * math.pi * phase)
                noise = 1 + 0.1 * (((minute * 7919 + service * 104729) % 2001) / 1000 - 1)
                crowd = 3.0 if service % 5 == 0 and (40 <= minute % 720 < 55) else 1.0
                row.append(round(100 * wave * noise * crowd, 3))
            rows.append((minute * 60, row))
        return rows

    def write(self, folder: Path, load) -> Path:
        """Writes it as `smo` reads it; gives the path of the scenario."""
        with open(folder / "load.csv", "w") as file:
            print("timestamp_s", *(f"s{service}" for service in range(self.services)), sep=",", file=file)
            for at, row in load:
                print(at, *(f"{rate:.3f}" for rate in row), sep=",", file=file)
        services = "".join(
            f"    - {{name: s{service}, cpu: 1, memory: 1 GiB, clusters: c{service % self.clusters}, image: 0 B, start: {self.start:g} s, "
            f"queue_limit: {self.queue_limit:g} s, cpu_idle: {self.cpu_idle:g}, capacity: {{alpha: {self.alpha:g}, beta: {self.beta:g}}}, "
            f"slo: {{latency: {self.slo * 1000:g} ms, share: 95 %}}, "
            f"replicas: {{initial: {self.initial}, min: {self.replicas_min}, max: {self.replicas_max}}}}}\n"
            for service in range(self.services)
        )
        clusters = "".join(
            f"    - {{name: c{cluster}, pue: {self.pue:g}, pools: [{{name: main, cpu: {self.cores}, memory: 64 GiB, nodes: {self.nodes}, "
            f"price_per_hour: {self.price:g} $, power: {{idle: {self.power_idle:g} W, max: {self.power_max:g} W}}}}]}}\n"
            for cluster in range(self.clusters)
        )
        path = folder / "peers.yaml"
        path.write_text(
            f"question: What does the same fluid model cost?\n"
            f"until: {self.hours:g} h\n"
            f"traces: [{{file: load.csv}}]\n"
            f"telemetry: {{scrape: {self.scrape:g} s, jitter: 0 s, window: {self.window:g} s, delay: {self.delay:g} s}}\n"
            f"control: {{every: {self.every:g} s, effect_after: {self.effect:g} s}}\n"
            f"platform: {{pull_latency: 0 s}}\n"
            f"environment: {{carbon: {{default: {self.carbon:g}}}}}\n"
            f"policies: ['greedy+rate:headroom={self.headroom * 100:g}%,down_after={self.down_after:g}s']\n"
            f"application:\n  services:\n{services}"
            f"inventory:\n  clusters:\n{clusters}"
        )
        return path
