"""Build the air-gapped bundle: one tar for this platform and this Python, signed. `make bundle`.

    python packaging/bundle.py [--with-tray] [--engine-wheel FILE|none] [--output DIR] [--signing-key FILE] [--models DIR]

What it holds is written in docs/deploy/air-gapped.md. The same sources, pinned packages and engine give the same bytes, up to the
signature's key: names are sorted, times are those of the last commit (or SOURCE_DATE_EPOCH).
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import platformdirs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ROOT = Path(__file__).resolve().parent.parent
INSTALLER = Path(__file__).with_name("bundle")
sys.path += [str(INSTALLER), str(Path(__file__).parent)]

import bundle_engine  # noqa: E402
import engine_wheel  # noqa: E402
from bundle_engine import Shipped  # noqa: E402
from verify import KEY, LISTED, SIGNATURE, fingerprint, sha256_of  # noqa: E402

from appliance import __version__  # noqa: E402
from appliance.local.catalogue import catalogue  # noqa: E402
from appliance.local.fetch import fetch  # noqa: E402

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"
PLATFORM = f"{platform.system().lower()}-{platform.machine()}"
# Installed packages take this much more than their files: what Python compiles, and pip itself.
COMPILED_SHARE = 1.35
PIP_BYTES = 25_000_000


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bundle", description="Build the bundle for machines without internet.")
    parser.add_argument("--with-tray", action="store_true", help="with the desktop app")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="DIR", help="where the file goes (else dist/)")
    parser.add_argument(
        "--signing-key", type=Path, metavar="FILE", default=os.environ.get("GATEHOUSE_SIGNING_KEY"),
        help="an Ed25519 private key in PEM form (else $GATEHOUSE_SIGNING_KEY; else one of your own is made once)",
    )  # fmt: skip
    parser.add_argument("--models", type=Path, default=ROOT / "build/models", metavar="DIR", help="where models are kept")
    parser.add_argument(
        "--engine-wheel", metavar="FILE",
        help="ship this wheel of llama-cpp-python (else one is built, once, for any processor); none: ship xllamacpp",
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    key = signing_key(chosen.signing_key)
    print(f"Signing as {fingerprint(public_bytes(key))}")
    made = build(key, bundle_engine.shipped(chosen.engine_wheel), chosen.with_tray, chosen.output, chosen.models)
    print(f"{made} ({made.stat().st_size / 1e6:.0f} MB)")
    return 0


def build(key: Ed25519PrivateKey, engine: Shipped, with_tray: bool, output: Path, models: Path) -> Path:
    name = f"gatehouse-{__version__}{'-tray' if with_tray else ''}-{PLATFORM}-{TAG}"
    output.mkdir(parents=True, exist_ok=True)
    moment = commit_time()
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=output) as temporary:
        folder = Path(temporary) / name
        (folder / "wheels").mkdir(parents=True)
        wheels = needed_wheels(engine, with_tray, Path(temporary), moment)
        for wheel in wheels:
            place(wheel, folder / "wheels" / wheel.name)
        (folder / "requirements.txt").write_text("".join(map(requirement, wheels)), encoding="ascii")
        place_models(folder / "models", models)
        place_installer(folder)
        model = next(iter(sorted((folder / "models").iterdir())), None)
        processor = bundle_engine.proven(engine, engine_wheels(engine, wheels), model, Path(temporary))
        told = manifest(wheels, moment, with_tray) + f"engine={engine.distribution}\nprocessor={' '.join(processor)}\n"
        (folder / "MANIFEST").write_text(told, encoding="ascii")
        facts = {"version": __version__, "platform": PLATFORM, "python": PYTHON, "fingerprint": fingerprint(public_bytes(key))}
        (folder / "README.txt").write_text((INSTALLER / "README.txt").read_text("utf-8").format(**facts), encoding="utf-8")
        sign(folder, key)
        made = Path(temporary) / f"{name}.tar"
        pack(folder, made, moment)
        return made.replace(output / made.name)


def needed_wheels(engine: Shipped, with_tray: bool, temporary: Path, moment: int) -> list[Path]:
    """Everything that Gatehouse needs at run time, itself and the engine included, and nothing that only building needs."""
    kept = ROOT / "build" / f"wheels-{PLATFORM}-{TAG}"  # a second build downloads nothing anew
    pool = temporary / "pool"
    pool.mkdir()
    fetched = [ROOT / ("requirements-tray.txt" if with_tray else "requirements.txt")]
    if engine.wheel is not None:
        place(engine.wheel, pool / engine.wheel.name)
        fetched.append(temporary / engine_wheel.PINNED.name)
        engine_wheel.write_needs(fetched[-1])
    for pinned in fetched:
        fetch_wheels(pinned, kept)
    hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", "".join(pinned.read_text("utf-8") for pinned in fetched)))
    for wheel in kept.glob("*.whl"):
        if sha256_of(wheel) in hashes:
            place(wheel, pool / wheel.name)
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(moment)}
    run("Building Gatehouse's own wheel", [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", pool], environment)
    return resolved(pool, f"gatehouse[{engine.extra}{',gui' if with_tray else ''}]", temporary / "report.json")


def fetch_wheels(pinned: Path, kept: Path) -> None:
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--dest", kept, "--requirement", pinned]
    run(f"Fetching the wheels of {pinned.name}", [*pip("download"), *options])


def engine_wheels(engine: Shipped, wheels: list[Path]) -> list[Path]:
    """The engine's wheel and what it imports."""
    names = {name.replace("-", "_") for name in [engine.distribution, *(engine_wheel.pins() if engine.wheel else [])]}
    return [wheel for wheel in wheels if wheel.name.partition("-")[0].lower() in names]


def resolved(pool: Path, wanted: str, report: Path) -> list[Path]:
    """Those wheels of the pool that `wanted` needs here: what a machine without internet will be able to install."""
    find = ["--no-index", "--find-links", pool, "--only-binary", ":all:"]
    command = [*pip("install"), "--isolated", "--dry-run", "--ignore-installed", *find, "--report", report, wanted]
    run("Working out what is needed", command, os.environ | {"PIP_CONFIG_FILE": os.devnull})
    items = json.loads(report.read_text("utf-8"))["install"]
    return sorted(pool / item["download_info"]["url"].rpartition("/")[2] for item in items)


def pip(verb: str) -> list[str]:
    return [sys.executable, "-m", "pip", verb, "--quiet", "--disable-pip-version-check", "--no-input"]


def run(what: str, command: list[str | Path], environment: dict[str, str] | None = None) -> None:
    print(f"{what} …", flush=True)
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}{what} failed; what it said is above.")


def requirement(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name.replace('_', '-')}=={version} --hash=sha256:{sha256_of(wheel)}\n"


def place_models(folder: Path, kept: Path) -> None:
    """The catalogue's demonstration models: with one of them the first answer needs nothing else."""
    folder.mkdir()
    for entry in catalogue().values():
        if entry.demonstration:
            print(f"Fetching the model {entry.id} …", flush=True)
            place(fetch(entry, kept), folder / entry.file)


def place_installer(folder: Path) -> None:
    (folder / "installer").mkdir()
    for file in INSTALLER.iterdir():
        if file.suffix in (".py", ".service", ".desktop"):
            shutil.copyfile(file, folder / "installer" / file.name)
    shutil.copyfile(INSTALLER / "install.sh", folder / "install.sh")
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")


def place(source: Path, target: Path) -> None:
    """A link where the file system has them: it is packed at once."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def manifest(wheels: list[Path], moment: int, with_tray: bool) -> str:
    """What the installer compares with the machine."""
    built = datetime.datetime.fromtimestamp(moment, datetime.UTC)
    facts = {
        "name": "gatehouse",
        "version": __version__,
        "platform": PLATFORM,
        "python": PYTHON,
        "glibc": glibc_needed([wheel.name for wheel in wheels], newest_of_ours(wheels)),
        "built": f"{built:%Y-%m-%dT%H:%M:%SZ}",
        "tray": "yes" if with_tray else "no",
        "installed_bytes": str(int(sum(map(unpacked_bytes, wheels)) * COMPILED_SHARE) + PIP_BYTES),
    }
    return "".join(f"{name}={value}\n" for name, value in facts.items())


def newest_of_ours(wheels: list[Path]) -> tuple[int, int]:
    """The glibc that wheels need which were compiled here, and are named after no release of it."""
    return max((bundle_engine.glibc_used(wheel) for wheel in wheels if "-linux_" in wheel.name), default=(0, 0))


def glibc_needed(wheels: list[str], at_least: tuple[int, int] = (0, 0)) -> str:
    """The oldest glibc that every wheel is for; "" where none names one (PEP 600's names, and the older ones)."""
    older = {"manylinux1": "manylinux_2_5", "manylinux2010": "manylinux_2_12", "manylinux2014": "manylinux_2_17"}
    needed = [at_least]
    for wheel in wheels:
        name = wheel
        for old, new in older.items():
            name = name.replace(f"{old}_", f"{new}_")
        versions = [(int(major), int(minor)) for major, minor in re.findall(r"manylinux_(\d+)_(\d+)_", name)]
        needed += [min(versions)] if versions else []
    major, minor = max(needed)
    return f"{major}.{minor}" if major else ""


def unpacked_bytes(wheel: Path) -> int:
    with zipfile.ZipFile(wheel) as archive:
        return sum(member.file_size for member in archive.infolist())


def sign(folder: Path, key: Ed25519PrivateKey) -> None:
    """SHA256SUMS of every file, its signature, and the key. Also what a test does that has changed something."""
    (folder / KEY).write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in files if name not in (LISTED, SIGNATURE)]
    listed = "".join(lines).encode("ascii")
    (folder / LISTED).write_bytes(listed)
    (folder / SIGNATURE).write_bytes(key.sign(listed))


def signing_key(file: Path | None) -> Ed25519PrivateKey:
    """The publisher's key. Ends the program where the file holds none."""
    if file is None:
        file = platformdirs.user_config_path("gatehouse-builder", appauthor=False) / "signing-key.pem"
        if not file.exists():
            make_key(file)
            print(f"Made a signing key of your own: {file}. Keep it: upgrades are accepted from it alone.")
    try:
        key = load_pem_private_key(Path(file).read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        sys.exit(f"{file} can't be used as a signing key: {error}")
    if not isinstance(key, Ed25519PrivateKey):
        sys.exit(f"{file} is no Ed25519 key. One is made by: openssl genpkey -algorithm ed25519")
    return key


def make_key(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(private)


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def commit_time() -> int:
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(epoch)
    asked = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(asked.stdout) if asked.returncode == 0 and asked.stdout.strip() else 1_577_836_800


def pack(folder: Path, made: Path, moment: int) -> None:
    """Not compressed: wheels and weights are as small as they get. GNU's form, which every tar reads: names of wheels for several
    systems at once have more than the 100 characters of ustar's."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = moment
        entry.mode = 0o755 if entry.isdir() or entry.name.endswith("install.sh") else 0o644
        return entry

    with tarfile.open(made, "w", format=tarfile.GNU_FORMAT) as archive:
        for path in [folder, *sorted(folder.rglob("*"))]:
            archive.add(path, path.relative_to(folder.parent).as_posix(), recursive=False, filter=plain)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
