"""`make test-api`: schemathesis asks `smo serve` for everything that its OpenAPI document offers, and for much that it does not.

Two servers with a SQLite file each and no cluster: one that asks nobody who they are, and one that wants a token. What is generated is
valid, nearly valid, or nonsense; no answer may be a 5xx, and each has to be one that the document has: status, type, headers, body.
At the end the server has to be there still, and must not have panicked. Needs Python 3.11 and the packages of openapi.txt.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
START_S = 20.0
# Checks that cannot hold here, and why.
LEFT_OUT = {
    "positive_data_acceptance": "descriptors, PromQL and policies are checked beyond what a schema can say: such answers are 422",
}
TOKEN = re.compile(r"\bsmo_[A-Za-z0-9_-]{43}\b")


class Failed(Exception):
    """The reason for which this ends with 1."""


class Server:
    """A running `smo serve`."""

    def __init__(self, smo: Path, folder: Path, auth: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{auth}.log"
        config = folder / f"{auth}.yaml"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\ndatabase: sqlite://{folder}/{auth}.db\nauth: {{mode: '{auth}'}}\n"
            "limits: {requests_per_second: 1000000, burst: 1000000}\n")
        with self.log.open("w") as log:
            self.child = subprocess.Popen(
                [smo, "serve", "--config", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "NO_COLOR": "1"})

    def said(self) -> str:
        """All that it printed."""
        return self.log.read_text(errors="replace")

    def wait(self) -> None:
        """Until it is ready."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.child.poll() is None:
            with suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
                return
            time.sleep(0.05)
        raise Failed(f"smo serve did not get ready:\n{self.said()}")

    def token(self) -> str:
        """The token that a first start prints once."""
        found = TOKEN.search(self.said())
        if not found:
            raise Failed(f"the first start printed no token:\n{self.said()}")
        return found.group()

    def end(self) -> None:
        """Politely; it has to have lived until now, and not to have panicked."""
        is_there = self.child.poll() is None
        if is_there:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(START_S)
            except subprocess.TimeoutExpired:
                self.child.kill()
                raise Failed("smo serve does not end") from None
        if not is_there or "panicked" in self.said():
            raise Failed(f"smo serve broke down:\n{self.said()[-4000:]}")


def described(server: Server, auth: str) -> Any:
    """The document; of a server that asks nobody who they are, without what it says of tokens."""
    with urllib.request.urlopen(f"{server.url}/openapi.json", timeout=20) as answer:
        document = json.load(answer)
    if auth == "off":
        document.pop("security", None)
        document.get("components", {}).pop("securitySchemes", None)
        for item in document["paths"].values():
            for operation in item.values():
                if isinstance(operation, dict):
                    operation.pop("security", None)
    return document


def run(smo: Path, folder: Path, auth: str, seconds: int, more: list[str]) -> bool:
    """One run; whether all checks held."""
    server = Server(smo, folder, auth)
    try:
        server.wait()
        document = folder / f"{auth}.json"
        document.write_text(json.dumps(described(server, auth)))
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", server.url, "--checks", "all",
            "--exclude-checks", ",".join(LEFT_OUT), "--max-time", str(seconds), "--seed", "1", "--workers", "2",
            "--request-timeout", "20", "--warnings", "off", "--suppress-health-check", "all", *more]
        if auth == "on":
            command += ["--header", f"Authorization: Bearer {server.token()}"]
        return subprocess.run(command, cwd=folder, check=False, env=os.environ | {
            "SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}).returncode == 0
    finally:
        server.end()


def main() -> int:
    """Both runs; 0 where all held."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--smo", type=Path, required=True, help="the program")
    parser.add_argument("--seconds", type=int, default=150, help="for both runs together (default: %(default)s)")
    parser.add_argument("more", nargs="*", help="more for schemathesis, after `--`")
    given = parser.parse_args()
    for check, reason in LEFT_OUT.items():
        print(f"left out: {check}: {reason}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shares = {"off": given.seconds * 2 // 3, "on": given.seconds // 3}
        held = [run(given.smo.resolve(), folder, auth, seconds, given.more) for auth, seconds in shares.items()]
    return 0 if all(held) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        print(f"error: {failed}", file=sys.stderr)
        sys.exit(1)
