"""`gatehouse settings`: all of them, where each is from, and no credential."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.cli.settings import MASKED, _table, rows_of, settings
from appliance.home import Home
from appliance.settings import describe
from appliance.settings_sources import load

SECRET = "sk-a-credential-that-nobody-may-see"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").make()
    home.settings_file.write_text(
        f'port = 9000\n[[providers]]\nname = "one"\nbase_url = "http://one:1/v1"\napi_key = "{SECRET}"\n'
    )
    home.env_file.write_text(f"JWT_SECRET_KEY={SECRET}\n")
    return home


def shown(home: Home, *arguments: str) -> Result:
    env = {"GATEHOUSE_HOME": str(home.root), "OPENAI_API_KEY": SECRET, "GATEHOUSE_LOG_LEVEL": "debug"}
    done = CliRunner().invoke(settings, arguments, env=env)
    assert SECRET not in done.output
    return done


def as_json(home: Home, *arguments: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(shown(home, "--json", *arguments).output)["settings"]}


def test_each_setting_is_shown_with_value_source_and_meaning(home: Home) -> None:
    rows = as_json(home)
    assert list(rows) == [info.name for info in describe()]
    assert (rows["port"]["value"], rows["port"]["source"], rows["port"]["meaning"]) == (9000, "file", "Port to listen on.")
    assert (rows["log_level"]["value"], rows["log_level"]["source"]) == ("debug", "environment")
    assert (rows["jwt_secret_key"]["value"], rows["jwt_secret_key"]["source"]) == (MASKED, ".env")
    assert rows["host"]["source"] == "default"
    assert rows["port"]["variables"] == ["GATEHOUSE_PORT"]


def test_providers_are_shown_without_their_credentials(home: Home) -> None:
    one, openai = as_json(home)["providers"]["value"]
    assert (one["name"], one["api_key"], one["source"]) == ("one", MASKED, "file")
    assert (openai["name"], openai["api_key"], openai["source"]) == ("openai", MASKED, "environment")


def test_plain_text_has_a_line_for_each(home: Home) -> None:
    lines = shown(home).output.splitlines()
    assert "port = 9000  # file: Port to listen on." in lines
    assert len(lines) == 1 + len(describe())


def test_only_what_was_set_can_be_asked_for(home: Home) -> None:
    assert set(as_json(home, "--set")) == {"port", "providers", "jwt_secret_key", "openai_api_key", "log_level"}


def test_on_a_terminal_it_is_a_table(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    _table(home, rows_of(load(home, {"OPENAI_API_KEY": SECRET})))
    out = capsys.readouterr().out
    assert SECRET not in out
    for info in describe():
        assert info.name in out
    assert "cors_allowed_origins" in out
    assert "[]" in out  # rich would take it for its own markup


def test_a_home_that_is_not_there_yet_shows_the_defaults(tmp_path: Path) -> None:
    done = CliRunner().invoke(settings, ["--json"], env={"GATEHOUSE_HOME": str(tmp_path / "new")})
    assert done.exit_code == 0
    assert not (tmp_path / "new").exists()
