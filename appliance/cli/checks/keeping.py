"""The home folder and what is kept there: settings, database, master key."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from appliance.cli.checks.finding import Check, Finding, Patient, fail, ok, warn
from appliance.home import CannotStart
from appliance.settings import Settings
from appliance.settings_rules import SettingsError
from appliance.settings_sources import load

QUICK_CHECK_BYTES_MAX = 256 * 1024**2
PLACES = {"credential": "a systemd credential", "keyring": "the desktop's keyring", "file": "a file"}


def settings(patient: Patient) -> Iterator[Finding]:
    try:
        loaded = load(patient.home, patient.environ)
    except SettingsError as error:
        for problem in error.problems:
            yield fail("settings", f"{problem.where}: {problem.what}", problem.mend)
    except CannotStart as error:
        yield fail("settings", error.message, error.fix)
    else:
        given = sum(source != "default" for source in loaded.sources.values())
        yield ok("settings", f"valid; {given} of {len(loaded.sources)} differ from the default")


def home(patient: Patient) -> Iterator[Finding]:
    root = patient.home.root
    if not root.exists():
        yield ok("home", f"{root} will be made at the first start")
        return
    try:
        patient.home.check()
    except CannotStart as error:
        yield fail("home", error.message, error.fix)
        return
    exposed = _exposed(patient)
    if exposed:
        names = ", ".join(path.name for path in exposed[:5])
        yield warn("home", f"other users can read {names} in {root}", f"chmod -R go-rwx {root}")
    else:
        yield ok("home", f"{root}, its owner's alone")


def _exposed(patient: Patient) -> list[Path]:
    """What others can read, where they can enter the home at all."""
    at = patient.home
    if os.name != "posix" or not at.root.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH):
        return []
    candidates = [at.database, at.settings_file, at.env_file, at.master_key, at.control, *at.root.glob("gatehouse.db*")]
    others_read = stat.S_IRGRP | stat.S_IROTH
    return sorted({path for path in candidates if path.exists() and path.stat().st_mode & others_read})


def database_path(settings: Settings, default: Path) -> Path:
    """The SQLite file that these settings name."""
    return Path(settings.database_url.removeprefix("sqlite:///")) if settings.database_url else default


def database(patient: Patient) -> Iterator[Finding]:
    path = database_path(patient.settings, patient.home.database)
    if not path.exists():
        yield ok("database", f"{path} will be made at the first start")
        return
    from appliance.store.migrate import NEWEST

    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            size = path.stat().st_size
            verdict = "ok" if size > QUICK_CHECK_BYTES_MAX else connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            version = _version(connection)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        yield fail("database", f"{path} can't be read ({error})", "Stop the server and put back a copy of the file.")
        return
    said = f"{path}, {size / 1024**2:.1f} MiB, schema {version or 'none yet'}"
    if verdict != "ok":
        yield fail("database", f"{path} is damaged", "Stop the server and put back a copy of the file.")
    elif version is not None and version > NEWEST:
        yield fail("database", f"{said}, which is newer than this program", "Start the newer Gatehouse again.")
    else:
        yield ok("database", said)


def _version(connection: sqlite3.Connection) -> str | None:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return str(row[0]) if row else None


def master_key(patient: Patient) -> Iterator[Finding]:
    path = database_path(patient.settings, patient.home.database)
    try:
        source = asyncio.run(_opened_by(patient, path)) if _has_vault(path) else None
        if source is None:
            yield ok("master key", f"will be kept in {PLACES[_would_choose(patient, patient.environ)]} (made at the first start)")
            return
    except CannotStart as error:
        yield fail("master key", error.message, error.fix)
        return
    at = f" ({patient.home.master_key})" if source == "file" else ""
    yield ok("master key", f"kept in {PLACES[source]}{at}; it opens the vault")


def _has_vault(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            return connection.execute("SELECT 1 FROM vault_keys").fetchone() is not None
        finally:
            connection.close()
    except sqlite3.Error:
        return False  # the database's own check says what is wrong


async def _opened_by(patient: Patient, path: Path) -> str:
    """Where the key is that opens this vault. Errors: CannotStart, saying what is wrong with it."""
    from appliance.clock import SystemClock
    from appliance.store.engine import Database
    from appliance.store.vault import Vault

    db = Database(path)
    await db.open()
    try:
        vault = await Vault.open(db, patient.home, patient.settings.master_key_source, patient.environ, SystemClock())
        return vault.master_source
    finally:
        await db.close()


def _would_choose(patient: Patient, environ: Mapping[str, str]) -> str:
    from appliance.store.master_key import MasterKeys

    return MasterKeys(patient.home.master_key, environ, "").choose(patient.settings.master_key_source, None)


CHECKS: list[Check] = [home, settings, database, master_key]
