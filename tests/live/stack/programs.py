"""The command lines of the real programs, and where each says that it serves.

What differs from a production cluster, and why: no leader election (one of each, and its lease would delay a restart by
fifteen seconds); etcd does not sync to disk; Karmada looks at its members every second and gives them up after three, so that a
test of a failure takes seconds; 127.0.0.1 is advertised, which needs the endpoint reconciler off.
"""

import json
import sys
from pathlib import Path

from .layout import Layout, Member
from .places import HERE, KARMADA_PORT, Places
from .processes import Program

ETCD = "http://127.0.0.1:2379"
GRAFANA_SETTINGS = {
    "server.http_addr": "127.0.0.1", "server.http_port": "3000",
    "analytics.reporting_enabled": "false", "analytics.check_for_updates": "false",
}


def etcd(places: Places) -> Program:
    """One for all API servers, each under its own prefix."""
    peers = "http://127.0.0.1:2380"
    return Program("etcd", [
        "etcd", f"--data-dir={places.run}/etcd", f"--listen-client-urls={ETCD}", f"--advertise-client-urls={ETCD}",
        f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}", f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync", "--quota-backend-bytes=2147483648"], f"{ETCD}/health")


def serving(places: Places, port: int) -> list[str]:
    """How a Kubernetes program listens."""
    return ["--bind-address=127.0.0.1", f"--secure-port={port}",
            f"--tls-cert-file={places.pki}/server.crt", f"--tls-private-key-file={places.pki}/server.key"]


def authenticated(places: Places, name: str) -> list[str]:
    """Whom a Kubernetes program talks to, and lets in."""
    config = places.kubeconfig(name)
    return [f"--kubeconfig={config}", f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}",
            f"--client-ca-file={places.pki}/ca.crt"]


def api_server(places: Places, name: str, port: int, *more: str) -> Program:
    """kube-apiserver, Karmada's or a member's."""
    pki = places.pki
    return Program(f"api-{name}", [
        "kube-apiserver", f"--etcd-servers={ETCD}", f"--etcd-prefix=/{name}", *serving(places, port),
        "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16",
        f"--client-ca-file={pki}/ca.crt", "--authorization-mode=Node,RBAC", "--allow-privileged=true", "--profiling=false",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/sa.pub", f"--service-account-signing-key-file={pki}/sa.key",
        f"--proxy-client-cert-file={pki}/front-proxy-client.crt", f"--proxy-client-key-file={pki}/front-proxy-client.key",
        f"--requestheader-client-ca-file={pki}/ca.crt", "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User", *more], f"https://127.0.0.1:{port}/readyz")


def controller_manager(places: Places, name: str, port: int, *more: str) -> Program:
    """kube-controller-manager; the two key files are what lets Karmada join a member (they make its tokens)."""
    pki = places.pki
    return Program(f"kcm-{name}", [
        "kube-controller-manager", *authenticated(places, name), *serving(places, port),
        f"--root-ca-file={pki}/ca.crt", f"--service-account-private-key-file={pki}/sa.key",
        f"--cluster-signing-cert-file={pki}/ca.crt", f"--cluster-signing-key-file={pki}/ca.key",
        "--leader-elect=false", "--use-service-account-credentials=true", *more], f"https://127.0.0.1:{port}/healthz")


def karmada_api(places: Places) -> Program:
    """The API server that users of Karmada talk to."""
    return api_server(places, "karmada", KARMADA_PORT, "--enable-bootstrap-token-auth=true",
                      "--disable-admission-plugins=StorageObjectInUseProtection,ServiceAccount")


def karmada_controllers(places: Places) -> Program:
    """The few controllers of Kubernetes that Karmada wants at its own API."""
    wanted = ("namespace,garbagecollector,serviceaccount-token,ttl-after-finished,bootstrapsigner,tokencleaner,csrcleaner,"
              "csrsigning,clusterrole-aggregation")
    return controller_manager(places, "karmada", 10257, f"--controllers={wanted}")


def member_api(places: Places, member: Member) -> Program:
    """A member's API server."""
    return api_server(places, member.name, member.port(6440), "--disable-admission-plugins=ServiceAccount")


def member_programs(places: Places, member: Member, layout: Layout) -> list[Program]:
    """What makes real ReplicaSets, Pods and bindings in a member, and pretends to run them."""
    name, kwok, scheduler = member.name, member.port(10240), member.port(17440)
    configs = [f"--config={places.share}/kwok-stages.yaml"]
    if layout.metrics:
        configs.append(f"--config={places.share}/kwok-metrics.yaml")
    return [
        controller_manager(places, name, member.port(16440)),
        Program(f"sched-{name}", ["kube-scheduler", *authenticated(places, name), *serving(places, scheduler),
                                  "--leader-elect=false"], f"https://127.0.0.1:{scheduler}/healthz"),
        Program(f"kwok-{name}", [
            "kwok", f"--kubeconfig={places.kubeconfig(name)}", "--manage-all-nodes=true", "--node-ip=127.0.0.1",
            f"--node-port={kwok}", f"--server-address=127.0.0.1:{kwok}", f"--cidr=10.{240 + member.number}.0.0/16",
            f"--tls-cert-file={places.pki}/server.crt", f"--tls-private-key-file={places.pki}/server.key",
            # Without leases: a new kwok would leave the nodes alone until those of the last one have run out.
            "--node-lease-duration-seconds=0", *configs], f"https://127.0.0.1:{kwok}/healthz",
            # kwok 0.8 reads its metrics in several goroutines, of which two may write one map at once: that ends it.
            starts=3),
    ]


def estimator(places: Places, member: Member) -> Program:
    """Karmada's accurate estimator of a member: free room node by node."""
    return Program(f"estimator-{member.name}", [
        "karmada-scheduler-estimator", f"--kubeconfig={places.kubeconfig(member.name)}", f"--cluster-name={member.name}",
        f"--server-port={member.port(11350)}", "--metrics-bind-address=0",
        f"--health-probe-bind-address=127.0.0.1:{member.port(11360)}"], f"http://127.0.0.1:{member.port(11360)}/healthz")


def metrics_server(places: Places, member: Member) -> Program:
    """The real metrics API of a member, fed by kwok."""
    port = member.port(4440)
    return Program(f"metrics-{member.name}", [
        "metrics-server", *authenticated(places, member.name), *serving(places, port), "--kubelet-insecure-tls",
        "--kubelet-preferred-address-types=InternalIP", "--kubelet-use-node-status-port", "--metric-resolution=10s",
        "--kubelet-request-timeout=5s"],
        f"https://127.0.0.1:{port}/livez")


def metrics_adapter(places: Places) -> Program:
    """Metrics of all members at Karmada's API, for its FederatedHPA."""
    return Program("adapter", ["karmada-metrics-adapter", *authenticated(places, "karmada"), *serving(places, 7444),
                               "--metrics-bind-address=0"], "https://127.0.0.1:7444/livez")


def aggregated_api(places: Places) -> Program:
    """Serves `Cluster`, which is no custom resource."""
    return Program("agg", [
        "karmada-aggregated-apiserver", *authenticated(places, "karmada"), *serving(places, 7443),
        f"--etcd-servers={ETCD}", "--etcd-prefix=/karmada-aggregated"], "https://127.0.0.1:7443/readyz")


def webhook(places: Places) -> Program:
    """Defaults and checks policies; without its labels Karmada's scheduler ignores bindings."""
    return Program("webhook", [
        "karmada-webhook", f"--kubeconfig={places.kubeconfig('karmada')}", "--bind-address=127.0.0.1", "--secure-port=18443",
        f"--cert-dir={places.pki}", "--metrics-bind-address=0", "--health-probe-bind-address=127.0.0.1:18000",
        "--allow-no-execute-taint-policy=true"], "https://127.0.0.1:18443/readyz/")


def karmada_programs(places: Places, layout: Layout) -> list[Program]:
    """Karmada's controllers and scheduler."""
    config = f"--kubeconfig={places.kubeconfig('karmada')}"
    # With the default resource models the scheduler's own estimate is always the smaller, and estimators would change nothing.
    estimators = ["--enable-scheduler-estimator=true", "--feature-gates=CustomizedClusterResourceModeling=false"]
    return [
        Program("kcontroller", [
            "karmada-controller-manager", config, "--leader-elect=false", "--cluster-status-update-frequency=1s",
            "--cluster-failure-threshold=3s", "--cluster-success-threshold=1s", "--cluster-monitor-period=1s",
            "--enable-no-execute-taint-eviction=true", "--graceful-eviction-timeout=20s", "--feature-gates=Failover=true",
            "--metrics-bind-address=0", "--health-probe-bind-address=127.0.0.1:10357"], "http://127.0.0.1:10357/healthz"),
        Program("kscheduler", [
            "karmada-scheduler", config, "--leader-elect=false", *(estimators if layout.estimators else []),
            "--metrics-bind-address=0", "--health-probe-bind-address=127.0.0.1:10351"], "http://127.0.0.1:10351/healthz"),
    ]


def telemetry(places: Places) -> list[Program]:
    """Prometheus, Alertmanager, registry, Grafana, and our exporter; none of them needs Kubernetes."""
    write_telemetry_configs(places)
    run, prometheus, alertmanager = places.run, "127.0.0.1:9090", "127.0.0.1:9093"
    folders = {f"paths.{name}": str(run / "grafana" / name) for name in ("data", "logs", "plugins", "provisioning")}
    settings = [f"cfg:default.{name}={value}" for name, value in {**folders, **GRAFANA_SETTINGS}.items()]
    return [
        Program("prometheus", [
            "prometheus", f"--config.file={run}/prometheus.yml", f"--storage.tsdb.path={run}/prometheus",
            "--storage.tsdb.retention.time=1d", f"--web.listen-address={prometheus}", f"--web.external-url=http://{prometheus}",
            "--web.enable-lifecycle", "--web.enable-remote-write-receiver", "--rules.alert.resend-delay=1s"],
            f"http://{prometheus}/-/ready"),
        Program("alertmanager", [
            "prometheus-alertmanager", f"--config.file={run}/alertmanager.yml", f"--storage.path={run}/alertmanager",
            f"--web.listen-address={alertmanager}", f"--web.external-url=http://{alertmanager}", "--cluster.listen-address="],
            f"http://{alertmanager}/-/ready"),
        Program("registry", ["docker-registry", "serve", f"{run}/registry.yml"], "http://127.0.0.1:5000/v2/"),
        Program("grafana", ["grafana-server", "-homepath", f"{places.share}/grafana", *settings],
                "http://127.0.0.1:3000/api/health"),
        ours("exporter", "http://127.0.0.1:9101/metrics"),
    ]


def syncer() -> Program:
    """PrometheusRule objects of Karmada's API into rules of Prometheus, as the operator does it in a cluster."""
    return ours("syncer", ready="")


def ours(name: str, ready: str) -> Program:
    """A program of this package, without what the user's Python has installed besides."""
    code = f"import sys; sys.path.insert(0, {str(HERE.parent)!r}); from stack.{name} import main; main()"
    return Program(name, [sys.executable, "-BIS", "-c", code], ready)


def write_telemetry_configs(places: Places) -> None:
    """JSON, which is YAML. Everything in one-second steps, so that a test of an alert takes seconds."""
    run = places.run
    places.rules.mkdir(exist_ok=True)
    prometheus = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{places.rules}/*.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}]},
        "scrape_configs": [{"job_name": "load", "honor_labels": True, "static_configs": [{"targets": ["127.0.0.1:9101"]}]}],
    }
    receiver = {"name": "smo", "webhook_configs": [{"url": "http://127.0.0.1:8000/alerts", "send_resolved": True}]}
    route = {"receiver": "smo", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1m"}
    registry = {"version": 0.1, "http": {"addr": "127.0.0.1:5000"},
                "storage": {"filesystem": {"rootdirectory": f"{run}/registry"}, "delete": {"enabled": True}}}
    write_json(run / "prometheus.yml", prometheus)
    write_json(run / "alertmanager.yml", {"route": route, "receivers": [receiver]})
    write_json(run / "registry.yml", registry)


def write_json(file: Path, value: object) -> None:
    """Readable JSON."""
    file.write_text(json.dumps(value, indent=1) + "\n")
