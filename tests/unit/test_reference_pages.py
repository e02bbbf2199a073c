"""The reference pages say what the program does: nothing is missing, nothing is out of date."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from appliance.cli.main import COMMANDS
from appliance.errors import all_errors
from appliance.home import Home
from appliance.settings import Settings, describe
from appliance.settings_sources import load

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_generated_page_is_up_to_date(generate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    stale = [str(path.relative_to(ROOT)) for path, text in generate.pages().items() if path.read_text("utf-8") != text]
    assert not stale, "run: python docs/generate.py"


def test_no_setting_command_or_error_is_missing() -> None:
    settings, commands, errors = ((REFERENCE / f"{name}.md").read_text("utf-8") for name in ("settings", "commands", "errors"))
    for info in describe():
        assert f"| `{info.name}` |" in settings
        assert info.meaning.split("|")[0] in settings
        for variable in info.env:
            assert f"`{variable}`" in settings
    for name, (_, _, hidden) in COMMANDS.items():
        assert (f"### gatehouse {name}\n" in commands) is not hidden
    for kind in all_errors():
        assert f"| {kind.status} | `{kind.code}` |" in errors


def test_every_error_says_what_it_means() -> None:
    assert [kind.__name__ for kind in all_errors() if not kind.__doc__] == []


def test_the_example_of_an_env_file_shows_every_default(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    for info in describe():
        if info.name not in ("providers", "vllm"):  # tables
            assert f"#{info.env[0]}=" in text
    home = Home(tmp_path / "home").make()
    # With every # taken away it says what holds anyway. GATEHOUSE_HOME can't stand there.
    lines = [line[1:] for line in text.splitlines() if re.match(r"#[A-Z_]+=", line)]
    home.env_file.write_text("\n".join(line for line in lines if not line.startswith("GATEHOUSE_HOME")))
    loaded = load(home, {})
    assert loaded.settings == Settings()
    assert sum(source == ".env" for source in loaded.sources.values()) == len(describe()) - 2


def test_the_example_has_no_value_that_looks_like_a_credential() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    for info in describe():
        if info.secret:
            assert f"#{info.env[0]}=\n" in text
