"""A policy for `smo` in Python: as many replicas as the rate needs, in the cheapest clusters that have room.

Run it by: smo simulate SCENARIO --policy 'exec:python3 scenarios/policies/by_rate.py'
"""
import json
import math
import sys

world = json.loads(sys.stdin.readline())
services = {service["name"]: service for service in world["application"]["services"]}
print(json.dumps({"stateful": False}), flush=True)


def wanted(service, seen, now):
    """Replicas for the rate and a fifth more; what is not seen leaves things as they are."""
    if seen["rate_per_s"] is None or service["is_task"]:
        return seen["tasks"] if service["is_task"] else max(now, service["replicas"]["min"])
    capacity, rate = service["capacity"], seen["rate_per_s"]["value"] * 1.2
    per_replica = capacity.get("alpha", capacity.get("gamma"))
    replicas = math.ceil((rate - capacity.get("beta", 0)) / per_replica)
    return min(max(replicas, service["replicas"]["min"]), service["replicas"]["max"])


def fits(service, free):
    return min((free[key] // need for key, need in service["request"].items() if need), default=10**9)


for line in sys.stdin:
    seen = json.loads(line)
    free = {c["name"]: dict(c["allocatable_max"]) for c in seen["clusters"] if c["reachable"]}
    # What is not known is null: a cluster without nodes has no price.
    price = {c["name"]: c["price_per_core_hour_usd"] or math.inf for c in seen["clusters"]}
    answer = {"targets": [], "refusals": []}
    for view in seen["services"]:
        service = services[view["name"]]
        now = {t["cluster"]: t["replicas"] for t in seen["targets"] if t["service"] == view["name"]}
        missing = wanted(service, view, sum(now.values()))
        # Where it runs first, so that nothing moves without need; a pinned service goes nowhere else.
        homes = [name for name in free if not (service["pinned"] and now) or name in now]
        for name in sorted(homes, key=lambda name: (name not in now, price[name], name)):
            room = min(fits(service, free[name]), service["room_max"].get(name, 0))
            replicas = min(missing, room)
            if replicas > 0:
                missing -= replicas
                for key, need in service["request"].items():
                    free[name][key] -= need * replicas
                answer["targets"].append({"service": view["name"], "cluster": name, "replicas": replicas})
            if service["pinned"] and replicas > 0:
                break
        if missing > 0:
            answer["refusals"].append({"service": view["name"], "replicas": missing, "reason": "no cluster has room"})
    print(json.dumps(answer), flush=True)
