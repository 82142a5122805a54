"""The live stack: real Karmada, Kubernetes, Prometheus, Grafana and a registry, started and stopped as one."""
