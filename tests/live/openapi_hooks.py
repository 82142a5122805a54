"""What schemathesis is told besides the document: that nobody waits long here, and that its threads parse Python in turn."""

import ast
import threading
from typing import Any

import schemathesis

_PARSE = ast.parse
_IN_TURN = threading.RLock()


def _parse_in_turn(*args: Any, **kwargs: Any) -> ast.AST:
    """`ast.parse` of one thread at a time. CPython 3.11 counts the depth of all threads together, and Hypothesis, which reads the
    source of lambdas, has a callback of the garbage collector: where that lets another thread in, both fail with "AST constructor
    recursion depth mismatch"."""
    with _IN_TURN:
        return _PARSE(*args, **kwargs)


ast.parse = _parse_in_turn


@schemathesis.hook
def map_query(_context: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """A wish may wait for its job as long as the client likes; without a cluster that would be for ever."""
    if query and isinstance(query.get("wait"), str) and query["wait"][:1].isdigit():
        query["wait"] = "1s"
    return query
