"""HTTP to 127.0.0.1: readiness, and the few requests to Kubernetes, Prometheus and Grafana that the scripts make themselves.

Proxies of the environment are ignored: nothing here ever leaves the loopback.
"""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from .certificates import client_context
from .errors import StackError
from .places import Places

JSON = {"Content-Type": "application/json"}


def opener(context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    """Without proxies."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    return urllib.request.build_opener(*handlers, *([urllib.request.HTTPSHandler(context=context)] if context else []))


class Web:
    """A client with the administrator's certificate, where there is one."""

    def __init__(self, places: Places) -> None:
        has_keys = (places.pki / "admin.crt").exists()
        self.opener = opener(client_context(places.pki) if has_keys else None)

    def open(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None, timeout: float = 10.0) -> Any:
        """The open answer; text is sent as it is, anything else as JSON."""
        data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={**JSON, **(headers or {})})
        try:
            return self.opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            raise StackError(f"{method} {url}: {error.code} {error.read().decode(errors='replace')[:500]}") from error
        except OSError as error:
            raise StackError(f"{method} {url}: {error}") from error

    def ask(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """The answer, read as JSON where it is JSON."""
        with self.open(method, url, body, headers) as answer:
            text = answer.read().decode()
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text

    def serves(self, url: str) -> bool:
        """Whether it answers with success, within two seconds."""
        try:
            with self.open("GET", url, timeout=2.0):
                return True
        except (StackError, OSError):
            return False
