"""`gatehouse settings`: all of them, where each is from, and no credential."""

import json
import textwrap
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from appliance.cli.settings import MASKED, for_people, rows_of, settings
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
    assert "port\t9000\tfile\tPort to listen on." in lines
    assert [line.split("\t")[0] for line in lines] == [info.name for info in describe()]
    assert {line.count("\t") for line in lines} == {3}


def test_only_what_was_set_can_be_asked_for(home: Home) -> None:
    assert set(as_json(home, "--set")) == {"port", "providers", "jwt_secret_key", "openai_api_key", "log_level"}


def test_on_a_terminal_no_word_is_broken(home: Home) -> None:
    lines = list(for_people(rows_of(load(home, {"OPENAI_API_KEY": SECRET})), 80))
    assert SECRET not in "".join(lines)
    assert max(len(click.unstyle(line)) for line in lines) <= 80
    assert "cors_allowed_origins = []  # default" in lines  # square brackets are nobody's markup
    assert "port = 9000  # file" in map(click.unstyle, lines)
    for info in describe():
        for line in textwrap.wrap(info.meaning, 76, break_long_words=False, break_on_hyphens=False):
            assert f"    {line}" in lines


def test_with_nothing_set_it_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(settings, ["--set"], env={"GATEHOUSE_HOME": str(tmp_path / "new")})
    assert done.output == "Nothing differs from the defaults.\n"


def test_a_home_that_is_not_there_yet_shows_the_defaults(tmp_path: Path) -> None:
    done = CliRunner().invoke(settings, ["--json"], env={"GATEHOUSE_HOME": str(tmp_path / "new")})
    assert done.exit_code == 0
    assert not (tmp_path / "new").exists()
