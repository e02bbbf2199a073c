"""The master key: 32 random bytes that wrap the vault's data key, kept outside the database.

Three places. `credential`: a file that systemd (LoadCredential, LoadCredentialEncrypted) lays into
`$CREDENTIALS_DIRECTORY`. `keyring`: the desktop's own (desktop_keyring.py). `file`: master.key in the home folder, 0600.
Written as base64, so `openssl rand -base64 32` makes one.
"""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from appliance.store import desktop_keyring
from appliance.store.refusals import MasterKeyUnavailable

Source = Literal["credential", "keyring", "file"]

CREDENTIAL_NAME = "gatehouse-master-key"
KEY_BYTES = 32
_FILE_BYTES_MAX = 1024


class MasterKeys:
    """Where this appliance may look. `vault_id` tells one vault's key from another's in a keyring that several share."""

    def __init__(self, file: Path, environ: Mapping[str, str], vault_id: str) -> None:
        self._file = file
        self._environ = environ
        self._vault_id = vault_id

    def choose(self, wanted: str, recorded: Source | None) -> Source:
        """Where the key is, or is to be. What the settings name, else a credential where systemd gives one, else where it
        was kept before; a new vault takes the keyring of a desktop session, else a file.
        """
        if wanted in ("credential", "keyring", "file"):
            return wanted  # type: ignore[return-value]  # mypy can't narrow str to a Literal by `in`
        if self._credential_path() is not None:
            return "credential"
        if recorded is not None:
            return recorded
        # A key that is there already, from a start that was broken off, is used rather than a second one made.
        return "file" if self._file.exists() or not desktop_keyring.is_usable(self._environ) else "keyring"

    def existing(self, source: Source) -> bytes | None:
        """The key there, or None where there is none. Errors: MasterKeyUnavailable: there may be one, out of reach."""
        if source == "credential":
            return self._from_credential()
        if source == "keyring":
            text = desktop_keyring.read(self._environ, self._vault_id)
            return None if text is None else decoded(text.encode(), "the keyring's entry")
        return _from_file(self._file)

    def made(self, source: Source) -> bytes:
        """A new key, kept there. Errors: MasterKeyUnavailable."""
        key = secrets.token_bytes(KEY_BYTES)
        if source == "keyring":
            desktop_keyring.write(self._environ, self._vault_id, base64.b64encode(key).decode())
        elif source == "file":
            return _to_file(self._file, key)
        else:
            raise MasterKeyUnavailable(
                f"master_key_source is credential, and there is no credential {CREDENTIAL_NAME}",
                f"Give the unit one: LoadCredential={CREDENTIAL_NAME}:/path (make it with `openssl rand -base64 32`).",
            )
        return key

    def lost(self, source: Source, recorded: Source) -> MasterKeyUnavailable:
        """What to say where a vault exists and its key doesn't."""
        if source != recorded:
            return MasterKeyUnavailable(
                f"there is no master key in the {source}; when this database was made it was kept in the {recorded}",
                f"Set GATEHOUSE_MASTER_KEY_SOURCE={recorded}, or bring the same key to the {source}.",
            )
        where = {
            "credential": f"the credential {CREDENTIAL_NAME} is missing",
            "keyring": "the keyring has no entry for this vault",
            "file": f"{self._file} is missing",
        }[source]
        return MasterKeyUnavailable(
            f"the master key of this database is gone: {where}",
            "Put back the master key from a backup. Without it the secrets in this database can't be read by anyone; "
            "to begin anew, move the database away.",
        )

    def _credential_path(self) -> Path | None:
        folder = self._environ.get("CREDENTIALS_DIRECTORY")
        path = Path(folder) / CREDENTIAL_NAME if folder else None
        return path if path is not None and path.exists() else None

    def _from_credential(self) -> bytes | None:
        path = self._credential_path()
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                return decoded(file.read(_FILE_BYTES_MAX), f"the credential {CREDENTIAL_NAME}")
        except OSError as error:
            raise MasterKeyUnavailable(
                f"the credential {CREDENTIAL_NAME} can't be read: {error.strerror}", "Look at the unit's LoadCredential line."
            ) from error


def decoded(text: bytes, what: str) -> bytes:
    """The 32 bytes behind a key's text. The text itself is never shown. Errors: MasterKeyUnavailable."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise MasterKeyUnavailable(
            f"{what} holds no master key: it must be {KEY_BYTES} bytes, written as base64",
            "Put back the master key from a backup; a new one (`openssl rand -base64 32`) fits a new database only.",
        )
    return key


def _from_file(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MasterKeyUnavailable(
            f"{path} can't be read: {error.strerror}", "It must be an ordinary file of the user that runs Gatehouse."
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        _refuse_exposed(path, os.fstat(file.fileno()))
        return decoded(file.read(_FILE_BYTES_MAX), str(path))


def _refuse_exposed(path: Path, facts: os.stat_result) -> None:
    if os.name != "posix":  # access lists there; a user's data folder is private by default
        return
    if not stat.S_ISREG(facts.st_mode) or facts.st_uid not in (os.geteuid(), 0):
        raise MasterKeyUnavailable(
            f"{path} is not a file of the user that runs Gatehouse", f"chown $(whoami) {path}, if you trust what is in it."
        )
    if facts.st_mode & 0o077:
        raise MasterKeyUnavailable(
            f"others can read {path} (its mode is {stat.S_IMODE(facts.st_mode):04o})",
            f"chmod 600 {path}; if strangers use this machine, treat every secret in the database as known to them.",
        )


def _to_file(path: Path, key: bytes) -> bytes:
    """The file appears whole and 0600, or not at all. Where another process was quicker, its key is taken."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(key) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            if os.name == "posix":
                os.link(beside, path)  # unlike a rename, this never replaces a key that is there
            else:
                beside.rename(path)  # Windows refuses where the name is taken
        finally:
            beside.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        theirs = _from_file(path)
        assert theirs is not None, "it was there a moment ago"
        return theirs
    except OSError as error:
        raise MasterKeyUnavailable(
            f"{path} can't be written: {error.strerror}", "The home folder must belong to the user that runs Gatehouse."
        ) from error
    return key


def _sync_folder(folder: Path) -> None:
    """The file's name must survive a power cut too: a vault without its key is lost."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
