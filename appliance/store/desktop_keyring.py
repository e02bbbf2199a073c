"""The desktop's own keyring as a place for the master key, and when it may be asked.

Only one that is known to be real: SecretService on Linux, Keychain on macOS, Credential Manager on Windows. Never what
`keyring.get_keyring()` would choose: headless that is a backend that fails, plain text, or one that asks at a terminal.
A locked keyring would put a password window on somebody's screen, so it is refused before it is asked; and all of it
has a time limit, because a session bus may take a request and never answer.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from appliance.store.refusals import MasterKeyUnavailable

T = TypeVar("T")

SERVICE = "gatehouse-master-key"
SECONDS_MAX = 10.0
_DEFAULT_COLLECTION = "/org/freedesktop/secrets/aliases/default"
_FIX = (
    "Unlock the keyring (sign in to the desktop), or keep the key elsewhere: "
    "GATEHOUSE_MASTER_KEY_SOURCE=file, or a systemd credential, with the same key."
)


def is_usable(environ: Mapping[str, str], *, seconds_max: float = SECONDS_MAX) -> bool:
    """Is this a desktop session whose keyring is open? Never raises, never asks the user."""
    try:
        _within_time(lambda: _backend(environ), seconds_max)
    except MasterKeyUnavailable:
        return False
    return True


def read(environ: Mapping[str, str], name: str) -> str | None:
    """The entry's text, or None where there is none. Errors: MasterKeyUnavailable."""
    return _within_time(lambda: _text(_backend(environ).get_password(SERVICE, name)))


def write(environ: Mapping[str, str], name: str, text: str) -> None:
    """Keep a text there, and see that it is there. Errors: MasterKeyUnavailable."""

    def kept() -> bool:
        backend = _backend(environ)
        backend.set_password(SERVICE, name, text)
        return bool(backend.get_password(SERVICE, name) == text)

    if not _within_time(kept):
        raise MasterKeyUnavailable("the keyring did not keep the master key", _FIX)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _backend(environ: Mapping[str, str]) -> Any:
    """The platform's real keyring. Errors: MasterKeyUnavailable, or whatever its library raises."""
    if sys.platform == "darwin":
        if "SSH_CONNECTION" in environ:
            raise MasterKeyUnavailable("the keychain can't be opened over SSH", _FIX)
        from keyring.backends import macOS

        return macOS.Keyring()
    if sys.platform == "win32":
        from keyring.backends import Windows

        return Windows.WinVaultKeyring()
    return _secret_service(environ)


def _secret_service(environ: Mapping[str, str]) -> Any:
    if not environ.get("DBUS_SESSION_BUS_ADDRESS"):
        raise MasterKeyUnavailable("there is no desktop session here (DBUS_SESSION_BUS_ADDRESS is not set)", _FIX)
    import secretstorage
    from keyring.backends import SecretService

    bus = secretstorage.dbus_init()
    try:
        if not secretstorage.check_service_availability(bus):
            raise MasterKeyUnavailable("no keyring answers in this desktop session", _FIX)
        # By its path: asking the library for the default one would offer to create it, in a window.
        if secretstorage.Collection(bus, _DEFAULT_COLLECTION).is_locked():
            raise MasterKeyUnavailable("the keyring of this desktop session is locked", _FIX)
    finally:
        bus.close()
    keyring: Any = SecretService.Keyring  # it carries no types
    return keyring()


def _within_time(ask: Callable[[], T], seconds_max: float = SECONDS_MAX) -> T:
    """The answer of a thread of its own, which a keyring that never answers may keep."""
    answers: list[T] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            answers.append(ask())
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(seconds_max)
    if answers:
        return answers[0]
    if failures and isinstance(failures[0], MasterKeyUnavailable):
        raise failures[0]
    if failures:
        raise MasterKeyUnavailable(f"the keyring can't be used ({type(failures[0]).__name__})", _FIX) from failures[0]
    raise MasterKeyUnavailable(f"the keyring did not answer within {seconds_max:g} seconds", _FIX)
