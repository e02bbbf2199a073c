"""Bundles for tests: built once a session by the program's own builder, unpacked for each test, spoiled on purpose."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.running import ROOT, NetworkNamespace, environment

INSTALLER = ROOT / "packaging/bundle"
BASE_PYTHON = Path(sys.executable).resolve()


def loaded(path: Path) -> ModuleType:
    """A script of packaging/ as a module; what lies beside it can be imported by it."""
    name = f"gatehouse_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    if str(INSTALLER) not in sys.path:
        sys.path.append(str(INSTALLER))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def engine_at_hand() -> str:
    """The engine's wheel that `make engine` or `make bundle` has built here; else "none": it isn't built for a test."""
    wheel = loaded(ROOT / "packaging/engine_wheel.py")
    kept = wheel.kept(wheel.recipe(portable=True)) or wheel.kept(wheel.recipe())
    return "none" if kept is None else str(kept)


def build(folder: Path, models: Path) -> Path:
    """`make bundle`, signed by a key that is made for it, with the engine that is at hand. Its one file."""
    key = folder / "key.pem"
    folder.mkdir(exist_ok=True)
    loaded(ROOT / "packaging/bundle.py").make_key(key)
    command = ["sh", ROOT / "packaging/bundle.sh", "--output", folder, "--signing-key", key, "--models", models]
    command += ["--engine-wheel", engine_at_hand()]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.tar")
    return made


def unpack(made: Path, folder: Path) -> Path:
    """The folder that is in it."""
    subprocess.run(["tar", "-xf", made, "-C", folder], check=True)
    (unpacked,) = folder.iterdir()
    return unpacked


class Site:
    """A machine of somebody who installs: the bundle in a folder with a space in its name, a home, no network."""

    def __init__(self, folder: Path, unpacked: Path, namespace: NetworkNamespace) -> None:
        self.folder = folder / "a site"
        self.folder.mkdir(parents=True)
        self.bundle = self.folder / unpacked.name
        shutil.copytree(unpacked, self.bundle, copy_function=os.link)
        self.namespace = namespace
        self.user = self.folder / "user"
        self.user.mkdir()
        self.prefix = self.user / ".local/share/gatehouse-app"
        self.home = self.user / ".local/share/gatehouse"
        self.env = environment({"HOME": str(self.user), "GATEHOUSE_MASTER_KEY_SOURCE": "file"})

    def sh(self, *words: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        enter, *rest = self.namespace.prefix
        return subprocess.run(
            [shutil.which(enter) or enter, *rest, *words],  # the environment may have no PATH that leads to it
            cwd="/",
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def install(
        self, *options: str, python: Path | None = BASE_PYTHON, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`sh install.sh --user …`, from another folder than the bundle's."""
        named: Sequence[str] = [] if python is None else ["--python", str(python)]
        return self.sh("/bin/sh", self.bundle / "install.sh", "--user", *named, *options, env=env)

    def start_installing(self, *options: str) -> subprocess.Popen[str]:
        """The same, not waited for."""
        return subprocess.Popen(
            [*self.namespace.prefix, "/bin/sh", self.bundle / "install.sh", "--user", "--python", BASE_PYTHON, *options],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def refusal(self, *options: str, **more: Any) -> str:
        """What it says when it refuses; it must leave nothing behind then."""
        before = sorted(self.user.rglob("*"))
        done = self.install(*options, **more)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Refused: " in done.stderr
        assert "  Fix: " in done.stderr
        assert sorted(self.user.rglob("*")) == before
        return done.stderr

    def replace(self, name: str, data: bytes) -> None:
        """Not in place: the file is shared with other tests."""
        path = self.bundle / name
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    def flip(self, name: str, at: int = -9) -> None:
        data = bytearray((self.bundle / name).read_bytes())
        data[at] ^= 1
        self.replace(name, bytes(data))

    def say_otherwise(self, key: Any, **facts: str) -> None:
        """A MANIFEST that says something else, in a bundle signed by `key`."""
        self.replace("MANIFEST", "".join(f"{name}={value}\n" for name, value in (self.told | facts).items()).encode())
        self.sign(key)

    def sign(self, key: Any) -> None:
        for name in ("SHA256SUMS", "SHA256SUMS.sig", "signing-key.pub"):
            (self.bundle / name).unlink()
        loaded(ROOT / "packaging/bundle.py").sign(self.bundle, key)

    @property
    def told(self) -> dict[str, str]:
        lines = (self.bundle / "MANIFEST").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.prefix / "installed.json").read_text())
        return found


class Served:
    """`gatehouse serve` of an installed bundle, on port 8000 of a network of its own."""

    def __init__(self, site: Site, program: Path) -> None:
        self._site = site
        self._output = (site.folder / "output").open("a+b")
        self._process = subprocess.Popen(
            [*site.namespace.prefix, str(program), "serve"],
            cwd="/",
            env=site.env | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return (self._site.folder / "output").read_text()

    def first_run_key(self) -> str | None:
        return self.output.partition("Authorization: Bearer ")[2].partition('"')[0] or None

    def is_ready(self) -> bool:
        assert self._process.poll() is None, self.output
        return self._site.sh("curl", "-sf", "http://localhost:8000/ready").returncode == 0

    def chat(self, key: str) -> Any:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 16}
        return self._site.namespace.call("POST", "http://localhost:8000/v1/chat/completions", body, token=key)

    def stop(self) -> int:
        self._process.terminate()
        self._output.close()
        return self._process.wait(40)
