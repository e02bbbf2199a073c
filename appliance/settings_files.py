"""The two files that settings stand in, `gatehouse.toml` and `.env`, and which line says what."""

import io
import re
import tomllib
from pathlib import Path
from typing import Any

from appliance.home import CannotStart, Home, write_private
from appliance.settings_rules import Problem, SettingsError


class TomlFile:
    """gatehouse.toml, and which line says what."""

    def __init__(self, home: Home) -> None:
        self.path = home.settings_file
        self.text = ""
        self.table: dict[str, Any] = {}
        data = _read(self.path)
        if data is None:
            return
        try:
            self.text = data.decode("utf-8-sig")  # some editors of Windows put a mark before it
            self.table = tomllib.loads(self.text)
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise SettingsError(
                [Problem(f"{self.path}, line {line}", "this is no UTF-8 text", "Save the file as UTF-8.")]
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsError([self._syntax_problem(str(error))]) from None

    def _syntax_problem(self, message: str) -> Problem:
        what, _, place = message.partition(" (at ")
        line = re.search(r"line (\d+)", place)
        # The parser quotes what it can't read, which may be a credential.
        what = re.sub(r"'.*'|\".*\"", "…", what)
        number = line.group(1) if line else str(self.text.count("\n") + 1)
        mend = 'Write `name = value`; text stands in double quotes: host = "127.0.0.1".'
        return Problem(f"{self.path}, line {number}", f"this can't be read: {what}", mend)

    def place(self, *path: str | int) -> str:
        """`FILE, line N` of the statement that sets `path`."""
        return f"{self.path}, line {self._line(path)}"

    def table_place(self, setting: str, index: int, key: str = "") -> str:
        """The line of one table of a list, such as `[[providers]]`, or of a key in it."""
        if not self.table.get(setting):
            return f"GATEHOUSE_{setting.upper()} in the environment"
        return self.place(setting, index, *([key] if key else []))

    def provider_place(self, index: int, key: str = "") -> str:
        """The line of one `[[providers]]` table, or of a key in it."""
        return self.table_place("providers", index, key)

    def _line(self, path: tuple[str | int, ...]) -> int:
        """Parsed line by line, the first beginning of the file that has `path` ends where its statement ends."""
        lines = self.text.split("\n")  # not splitlines(), which knows line ends that TOML does not
        start = 1
        for number in range(1, len(lines) + 1):
            try:
                table = tomllib.loads("\n".join(lines[:number]))
            except tomllib.TOMLDecodeError:
                continue  # within a statement of several lines
            if _has(table, path):
                return start
            start = number + 1
        return start


def _has(table: Any, path: tuple[str | int, ...]) -> bool:
    for step in path:
        if isinstance(step, int):
            if not isinstance(table, list) or len(table) <= step:
                return False
            table = table[step]
        elif not isinstance(table, dict) or step not in table:
            return False
        else:
            table = table[step]
    return True


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotStart(f"{path} can't be read: {error.strerror}", "Give it to the user that runs Gatehouse.") from None


def read_env_file(home: Home, problems: list[Problem]) -> dict[str, tuple[str, str]]:
    """The variables of `.env` with the place of each. No `${…}` is filled in: a password may contain one."""
    data = _read(home.env_file)
    if data is None:
        return {}
    from dotenv.parser import parse_stream  # only where there is such a file

    found: dict[str, tuple[str, str]] = {}
    for binding in parse_stream(io.StringIO(data.decode("utf-8", "replace"))):
        # The parser counts blank lines before a statement as part of it.
        blank = len(binding.original.string) - len(binding.original.string.lstrip("\n"))
        where = f"{home.env_file}, line {binding.original.line + blank}"
        if binding.error:
            problems.append(Problem(where, "this can't be read", "Write NAME=value, one a line; quote a value with spaces."))
        elif binding.key is not None and binding.value is None:
            problems.append(Problem(where, f"{binding.key} has no value", "Write NAME=value."))
        elif binding.key is not None and binding.value is not None:
            if binding.key in found:
                mend = "Keep one of the two lines."
                problems.append(Problem(where, f"{binding.key} stands here for the second time", mend))
            found[binding.key] = (binding.value, where)
    return found


def write_setting(home: Home, name: str, value: bool | int | str) -> None:
    """Set one plain setting in gatehouse.toml; comments and order stay. Whoever reads meanwhile sees the old file or the new.

    Errors:  CannotStart when the file can't be read or written.
    """
    import tomlkit  # only where something is written

    data = _read(home.settings_file)
    document = tomlkit.parse(data.decode("utf-8-sig")) if data is not None else tomlkit.document()
    if name in document:
        document[name] = value
    else:
        # Before the first table, where it would become a part of that.
        body = tomlkit.dumps(document)
        line = tomlkit.dumps({name: value})
        document = tomlkit.parse(line + body)
    try:
        # Where the file is a link (a repository of settings, another disk), what it leads to is written and the link stays.
        write_private(home.settings_file.resolve(), tomlkit.dumps(document).encode())
    except OSError as error:
        raise CannotStart(
            f"{home.settings_file} can't be written: {error.strerror}", "Free space, or give it to the user that runs Gatehouse."
        ) from None


def put_back(home: Home, before: bytes | None) -> None:
    """Undo `write_setting`: gatehouse.toml as it was, or none where there was none. Errors: OSError."""
    if before is None:
        home.settings_file.unlink(missing_ok=True)
    else:
        write_private(home.settings_file.resolve(), before)
