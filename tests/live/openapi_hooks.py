"""What schemathesis is told besides the document: that nobody waits long here."""

from typing import Any

import schemathesis


@schemathesis.hook
def map_query(_context: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """A wish may wait for its job as long as the client likes; without a cluster that would be for ever."""
    if query and isinstance(query.get("wait"), str) and query["wait"][:1].isdigit():
        query["wait"] = "1s"
    return query
