"""The Kubernetes objects that make separate processes into one Karmada: services that point to 127.0.0.1, and nodes."""

from typing import Any

from .certificates import encoded
from .layout import GPU, Layout, Member, Node
from .places import Places

Object = dict[str, Any]
SYSTEM = "karmada-system"


def listed(objects: list[Object]) -> Object:
    """As one thing to apply."""
    return {"apiVersion": "v1", "kind": "List", "items": objects}


def namespace(name: str, **labels: str) -> Object:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def outside(name: str, space: str, ports: list[Object] | None = None) -> Object:
    """A service that is a process on this machine: Kubernetes follows the name, here an address."""
    spec: Object = {"type": "ExternalName", "externalName": "127.0.0.1"}
    if ports:
        spec["ports"] = ports
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space}, "spec": spec}


def api_service(places: Places, group: str, version: str, service: Object) -> Object:
    """Tells an API server that a group is served by another process; the port is that of the process."""
    # What Karmada sees of a service is checked by TLS as `service.namespace.svc`, which the certificate holds.
    return {
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": f"{version}.{group}", "labels": {"app": service["name"], "apiserver": "true"}},
        "spec": {"group": group, "version": version, "groupPriorityMinimum": 2000, "versionPriority": 10,
                 "caBundle": encoded(places.pki / "ca.crt"), "service": service},
    }


def proxy_rights() -> list[Object]:
    """What each of Karmada's own ways to install it brings along: its administrator may ask members through it, as who he is."""
    name, rbac = "cluster-proxy-admin", "rbac.authorization.k8s.io"
    rule: Object = {"apiGroups": ["cluster.karmada.io"], "resources": ["clusters/proxy"], "verbs": ["*"]}
    return [
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": [rule]},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
         "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
         "subjects": [{"apiGroup": rbac, "kind": "User", "name": "system:admin"}]},
    ]


def karmada_objects(places: Places, layout: Layout) -> Object:
    """Everything at Karmada's API but its own definitions."""
    aggregated: Object = {"name": "karmada-aggregated-apiserver", "namespace": SYSTEM, "port": 7443}
    objects = [namespace(SYSTEM), *proxy_rights(), outside(aggregated["name"], SYSTEM),
               api_service(places, "cluster.karmada.io", "v1alpha1", aggregated)]
    if layout.estimators:
        objects += [outside(f"karmada-scheduler-estimator-{member.name}", SYSTEM,
                            [{"port": 10352, "targetPort": member.port(11350), "protocol": "TCP"}])
                    for member in layout.clusters()]
    if layout.metrics:
        adapter: Object = {"name": "karmada-metrics-adapter", "namespace": SYSTEM, "port": 7444}
        served = [("metrics.k8s.io", "v1beta1"), ("custom.metrics.k8s.io", "v1beta2"), ("custom.metrics.k8s.io", "v1beta1")]
        objects += [outside(adapter["name"], SYSTEM)] + [api_service(places, *one, adapter) for one in served]
    return listed(objects)


def member_objects(places: Places, member: Member, layout: Layout) -> Object:
    """The nodes of a member, and its metrics API."""
    objects = [node(one, layout.metrics) for one in member.nodes]
    if layout.metrics:
        server: Object = {"name": "metrics-server", "namespace": "kube-system", "port": member.port(4440)}
        objects += [outside(server["name"], "kube-system"), api_service(places, "metrics.k8s.io", "v1beta1", server)]
    return listed(objects)


def node(one: Node, metrics: bool) -> Object:
    """A node that exists on paper; kwok keeps it ready and says that its pods run."""
    room = {"cpu": str(one.cpu), "memory": one.memory, "pods": "110"} | ({GPU: str(one.gpu)} if one.gpu else {})
    annotations = {"kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0"}
    if metrics:
        annotations["metrics.k8s.io/resource-metrics-path"] = f"/metrics/nodes/{one.name}/metrics/resource"
    labels = {"type": "kwok", "kubernetes.io/hostname": one.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": one.name, "annotations": annotations, "labels": labels},
        "spec": {}, "status": {"allocatable": room, "capacity": room},
    }
