"""What a stack consists of: members with their nodes and ports, and the options of `up`.

Sizes are small and uneven on purpose: three little nodes here, two bigger ones there, so that a plan which only counts the
sum of a cluster meets one that does not fit node by node.
"""

from dataclasses import asdict, dataclass
from typing import Any

GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class Node:
    """A fake node: what it offers."""

    name: str
    cpu: int
    memory: str
    gpu: int = 0


@dataclass(frozen=True)
class Member:
    """A member cluster; its ports follow from its number."""

    number: int
    nodes: tuple[Node, ...]

    @property
    def name(self) -> str:
        """As Karmada knows it."""
        return f"member{self.number}"

    def port(self, base: int) -> int:
        """The port of one of its programs."""
        return base + self.number


@dataclass(frozen=True)
class Layout:
    """The options that a stack was started with. State that was made with other ones is not reused."""

    members: int = 2
    gpu: bool = False
    estimators: bool = False
    metrics: bool = False

    def clusters(self) -> list[Member]:
        """The members, each with its nodes."""
        third = (Node("m3-a", 8, "16Gi", gpu=int(self.gpu)), Node("m3-b", 8, "16Gi"))
        nodes = [tuple(Node(f"m1-{letter}", 4, "8Gi") for letter in "abc"),
                 tuple(Node(f"m2-{letter}", 8, "16Gi") for letter in "ab"),
                 third]
        return [Member(number, nodes[number - 1]) for number in range(1, self.members + 1)]

    def facts(self) -> dict[str, Any]:
        """As kept in the run folder."""
        return asdict(self)
