"""Keys, certificates and kubeconfigs of a stack that only its own machine can reach.

One authority signs everything and one administrator may do everything at all API servers: fine where nobody else can
connect, and nowhere else.
"""

import base64
import json
import shutil
import ssl
import subprocess
from pathlib import Path

from .errors import StackError
from .places import Places

SERVER_NAMES = ("DNS:localhost,DNS:*.karmada-system.svc,DNS:*.karmada-system.svc.cluster.local,DNS:kubernetes.default.svc,"
                "DNS:*.kube-system.svc,IP:127.0.0.1,IP:10.96.0.1")
DAYS = "3650"


def openssl(folder: Path, *arguments: str) -> None:
    """Runs openssl in `folder`."""
    answer = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise StackError(f"openssl {' '.join(arguments)}: {answer.stderr.strip()}")


def make_authority(folder: Path) -> None:
    """The authority that signs all the others."""
    openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.key")
    openssl(folder, "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=smo-live-ca", "-days", DAYS, "-out", "ca.crt",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature")


def make_certificate(folder: Path, name: str, subject: str, usage: str, names: str = "") -> None:
    """`name.key` and `name.crt`, signed by the authority."""
    openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    openssl(folder, "req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
    extensions = ["basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature", f"extendedKeyUsage={usage}"]
    (folder / f"{name}.ext").write_text("\n".join(extensions + [f"subjectAltName={names}"] * bool(names)) + "\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", DAYS, "-extfile", f"{name}.ext", "-out", f"{name}.crt")


def make_all(places: Places, servers: dict[str, int]) -> None:
    """Everything for the API servers of these names and ports."""
    folder = places.run / "pki.new"  # renamed when it is complete: others look while this works
    folder.mkdir(mode=0o700)
    make_authority(folder)
    make_certificate(folder, "server", "/CN=smo-live", "serverAuth,clientAuth", SERVER_NAMES)
    make_certificate(folder, "admin", "/O=system:masters/CN=system:admin", "clientAuth")
    make_certificate(folder, "front-proxy-client", "/CN=front-proxy-client", "clientAuth")
    openssl(folder, "genrsa", "-out", "sa.key", "2048")
    openssl(folder, "rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
    for kind in ("crt", "key"):  # the names that Karmada's webhook expects
        shutil.copy(folder / f"server.{kind}", folder / f"tls.{kind}")
    for name, port in servers.items():
        places.kubeconfig(name).write_text(kubeconfig(folder, name, port))
        places.kubeconfig(name).chmod(0o600)
    folder.rename(places.pki)


def encoded(file: Path) -> str:
    """A file in base64, as kubeconfigs and webhook configurations carry it."""
    return base64.b64encode(file.read_bytes()).decode()


def kubeconfig(folder: Path, name: str, port: int) -> str:
    """A kubeconfig with the keys inside; JSON, which is YAML."""
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": encoded(folder / "ca.crt")}
    user = {"client-certificate-data": encoded(folder / "admin.crt"), "client-key-data": encoded(folder / "admin.key")}
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "admin"}}],
    }, indent=1)


def client_context(folder: Path) -> ssl.SSLContext:
    """TLS as the administrator."""
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(str(folder / "admin.crt"), str(folder / "admin.key"))
    return context
