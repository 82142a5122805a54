"""Where things are: the cache with the programs, the folder of the running stack, the namespace, and the marks on processes.

Two folders, because they live differently. The programs are the same for all clones with the same recipes and cost a
quarter of an hour to build, so they lie in the cache under a key. What a stack writes while it runs is small, and
`reset` throws it away.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError

HERE = Path(__file__).resolve().parent
KARMADA_PORT = 5443
# In the environment of everything that runs in the stack: what `down` ends is what carries it, whoever lost its pid.
MARK = "SMO_LIVE_OWNER"
# A folder without this file was not made by us, and is not deleted.
RUN_MARKER = ".smo-live"


@dataclass(frozen=True)
class Places:
    """All paths and names that depend on the environment."""

    cache: Path
    bin: Path
    run: Path
    namespace: str

    @classmethod
    def of(cls, environment: Mapping[str, str], key: str) -> "Places":
        """The defaults, or what `SMO_LIVE_BIN`, `SMO_LIVE_RUN` and `SMO_LIVE_NAMESPACE` say instead."""
        home = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        cache = home / "smo" / f"live-{key}"
        return cls(
            cache=cache,
            bin=Path(environment.get("SMO_LIVE_BIN") or cache / "bin").absolute(),
            run=Path(environment.get("SMO_LIVE_RUN") or cache / "run").absolute(),
            namespace=environment.get("SMO_LIVE_NAMESPACE") or "smo-live",
        )

    @property
    def share(self) -> Path:
        """Manifests and pages that the programs need at run time, next to the programs."""
        return self.bin.parent / "share"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.run / "pki"

    @property
    def log(self) -> Path:
        """One log a program."""
        return self.run / "log"

    @property
    def pids(self) -> Path:
        """One file a program: its pid and, behind it, when it started in the kernel's ticks."""
        return self.run / "pids"

    @property
    def rules(self) -> Path:
        """Where Prometheus reads rules from."""
        return self.run / "rules"

    def kubeconfig(self, name: str) -> Path:
        """How to reach the API server of `name` as its administrator."""
        return self.run / f"{name}.kubeconfig"

    def exports(self) -> dict[str, str]:
        """What `env` prints and `exec` sets: all that a test needs to find the stack."""
        return {
            "SMO_LIVE": str(HERE.parents[2] / "scripts" / "live"),
            "SMO_LIVE_NAMESPACE": self.namespace,
            "SMO_LIVE_RUN": str(self.run),
            "SMO_LIVE_BIN": str(self.bin),
            "SMO_LIVE_KARMADA": str(self.kubeconfig("karmada")),
            "SMO_LIVE_PROMETHEUS": "http://127.0.0.1:9090",
            "SMO_LIVE_ALERTMANAGER": "http://127.0.0.1:9093",
            "SMO_LIVE_REGISTRY": "127.0.0.1:5000",
            "SMO_LIVE_GRAFANA": "http://127.0.0.1:3000",
            "SMO_LIVE_EXPORTER": "http://127.0.0.1:9101",
        }

    def environment(self) -> dict[str, str]:
        """The environment of everything that runs in the stack."""
        path = os.environ.get("PATH", os.defpath)
        return {**os.environ, **self.exports(), "PATH": f"{self.bin}:{path}:/usr/sbin:/sbin", MARK: str(self.run)}

    def shell(self) -> str:
        """`exports` for a shell."""
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self.exports().items()]
        return "\n".join([*lines, f'export PATH={shlex.quote(str(self.bin))}:"$PATH"'])

    def claim_run(self) -> None:
        """Makes the run folder, or refuses one that holds somebody's files."""
        self.run.mkdir(parents=True, exist_ok=True)
        if any(self.run.iterdir()) and not (self.run / RUN_MARKER).exists():
            raise StackError(f"{self.run} is not a folder of the stack and not empty: name another one in SMO_LIVE_RUN")
        (self.run / RUN_MARKER).touch()
