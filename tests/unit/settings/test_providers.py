"""`[[providers]]` and the provider that OPENAI_API_KEY adds."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance.home import Home
from appliance.settings import ProviderSettings
from appliance.settings_rules import SettingsError
from appliance.settings_sources import load

SECRET = "sk-a-credential-that-nobody-may-see"
ONE = '[[providers]]\nname = "one"\nbase_url = "http://host:1/v1"\n'


def providers(
    folder: Path, toml: str = "", environ: Mapping[str, str] | None = None, env_file: str = ""
) -> list[ProviderSettings]:
    home = Home(folder / "home").make()
    home.settings_file.write_text(toml)
    home.env_file.write_text(env_file)
    return load(home, environ or {}).settings.providers


def test_a_provider_gets_its_credential_from_the_variable_that_it_names(tmp_path: Path) -> None:
    toml = ONE + 'api_key_env = "MY_KEY"\nmodels = ["a", "b"]\n'
    (one,) = providers(tmp_path, toml, {"MY_KEY": SECRET})
    assert (one.name, one.kind, one.base_url, one.api_key) == ("one", "openai-compatible", "http://host:1/v1", SECRET)
    assert (one.models, one.source) == (["a", "b"], "file")
    (one,) = providers(tmp_path, toml, env_file=f"MY_KEY={SECRET}")
    assert one.api_key == SECRET


def test_the_environment_wins_over_env_for_a_credential_too(tmp_path: Path) -> None:
    (one,) = providers(tmp_path, ONE + 'api_key_env = "MY_KEY"\n', {"MY_KEY": "outer"}, env_file="MY_KEY=inner")
    assert one.api_key == "outer"


def test_an_openai_key_in_the_environment_adds_the_provider_openai(tmp_path: Path) -> None:
    (openai,) = providers(tmp_path, environ={"OPENAI_API_KEY": SECRET})
    assert (openai.name, openai.kind, openai.base_url) == ("openai", "openai", "https://api.openai.com/v1")
    assert (openai.api_key, openai.source) == (SECRET, "environment")
    (openai,) = providers(tmp_path, environ={"OPENAI_API_KEY": SECRET, "OPENAI_BASE_URL": "http://proxy:1/v1/"})
    assert openai.base_url == "http://proxy:1/v1"


def test_the_kind_openai_knows_where_openai_is(tmp_path: Path) -> None:
    (work,) = providers(tmp_path, '[[providers]]\nname = "work"\nkind = "openai"\napi_key = "k"\n')
    assert work.base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize("name", ["openai", "work"])
def test_a_table_that_takes_the_openai_key_is_not_doubled(tmp_path: Path, name: str) -> None:
    toml = f'[[providers]]\nname = "{name}"\nkind = "openai"\napi_key_env = "OPENAI_API_KEY"\n'
    found = providers(tmp_path, toml, {"OPENAI_API_KEY": SECRET})
    assert [provider.name for provider in found] == [name]


def test_the_environment_may_hold_all_providers_as_json(tmp_path: Path) -> None:
    (one,) = providers(tmp_path, environ={"GATEHOUSE_PROVIDERS": '[{"name": "one", "base_url": "http://h/v1"}]'})
    assert (one.name, one.source) == ("one", "environment")


@pytest.mark.parametrize(
    ("toml", "line", "what"),
    [
        (ONE + ONE, 5, "a provider called 'one' stands above already"),
        (ONE + 'basurl = "x"\n', 4, "a provider has no setting 'basurl'"),
        (ONE + 'source = "environment"\n', 4, "a provider has no setting 'source'"),
        ('[[providers]]\nname = "One"\nbase_url = "http://h"\n', 2, "a provider's name may have small letters"),
        ('[[providers]]\nname = "local"\nbase_url = "http://h"\n', 2, "the name `local` belongs"),
        ('[[providers]]\nbase_url = "http://h"\n', 1, "a provider needs a name"),
        ('[[providers]]\nname = "x"\nkind = "other"\n', 3, "a provider's kind must be one of openai, openai-compatible, vllm"),
        ('[[providers]]\nname = "x"\nmodels = 3\n', 3, "a provider's models must be a list of texts"),
        ("[[providers]]\nname = 3\n", 2, "a provider's name must be text"),
        ('[[providers]]\nname = "x"\n', 2, "the provider x is of the kind openai-compatible, but has no base_url"),
        ('[[providers]]\nname = "x"\nkind = "vllm"\n', 2, "the provider x is of the kind vllm, but has no base_url"),
        ('[[providers]]\nname = "x"\nbase_url = "ftp://h"\n', 3, "base_url must begin with http://"),
        ('[[providers]]\nname = "x"\nbase_url = "h:1/v1"\n', 3, "base_url must begin with http://"),
        (f'[[providers]]\nname = "x"\nbase_url = "http://u:{SECRET}@h/v1"\n', 3, "base_url carries a credential"),
        (f'[[providers]]\nname = "x"\nbase_url = "http://h/v1?key={SECRET}"\n', 3, "base_url carries a query"),
        ('[[providers]]\nname = "x"\nbase_url = "http://h:99999/v1"\n', 3, "base_url is no address"),
        ('[[providers]]\nname = "x"\nbase_url = "http://127.0.0.1:8000/v1"\n', 3, "the provider x is this appliance itself"),
        (ONE + f'api_key = "{SECRET}"\napi_key_env = "HAVE"\n', 4, "the provider one has both api_key and api_key_env"),
        (ONE + 'api_key_env = "HAVE_NOT"\n', 4, "the provider one takes its credential from HAVE_NOT, which is not set"),
        (ONE + f'api_key = "{SECRET}\\n"\n', 4, "the credential of one has spaces, line ends"),
        ("providers = 3\n", None, "providers must be tables"),
        ('[providers]\nname = "x"\n', None, "providers must be tables"),
    ],
)
def test_a_provider_that_cannot_work_is_refused_with_its_line(tmp_path: Path, toml: str, line: int | None, what: str) -> None:
    with pytest.raises(SettingsError) as refused:
        providers(tmp_path, toml, {"HAVE": "x"})
    (problem,) = refused.value.problems
    assert problem.what.startswith(what)
    assert problem.where.endswith(f"line {line}" if line else "gatehouse.toml")
    assert problem.mend
    assert SECRET not in str(refused.value) + refused.value.fix


def test_everything_that_is_wrong_with_a_provider_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        providers(tmp_path, '[[providers]]\nname = "Foo Bar"\nkind = "z"\nbase_url = 3\nmodels = [1]\nbasurl = ""\n')
    assert sorted(problem.where.rpartition(" ")[2] for problem in refused.value.problems) == ["2", "3", "4", "5", "6"]
    named = next(problem for problem in refused.value.problems if "name" in problem.what)
    assert "small letters (a-z), digits, `.`, `_` and `-`, at most 64" in named.mend


def test_two_different_credentials_for_openai_are_a_contradiction(tmp_path: Path) -> None:
    toml = f'[[providers]]\nname = "openai"\nkind = "openai"\napi_key = "{SECRET}"\n'
    with pytest.raises(SettingsError, match="one credential here and another in OPENAI_API_KEY in the environment") as refused:
        providers(tmp_path, toml, {"OPENAI_API_KEY": "another"})
    assert "api_key_env" in refused.value.fix
    assert SECRET not in str(refused.value)
