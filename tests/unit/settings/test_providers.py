"""`[[providers]]` and the providers that vendors' keys add by themselves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.home import Home
from appliance.settings import ProviderSettings, Settings
from appliance.settings_providers import contradictions, variables_read, with_credentials
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


def test_azure_is_asked_by_its_v1_surface_unless_a_version_is_named(tmp_path: Path) -> None:
    table = '[[providers]]\nname = "az"\nkind = "azure"\nbase_url = "https://res.openai.azure.com/"\napi_key = "k"\n'
    (new,) = providers(tmp_path, table)
    (dated,) = providers(tmp_path, table + 'api_version = "2024-10-21"\n')
    assert (new.base_url, new.api_version, dated.api_version) == ("https://res.openai.azure.com", "", "2024-10-21")


VENDORS = [
    ("OPENAI_API_KEY", "openai", "https://api.openai.com/v1"),
    ("ANTHROPIC_API_KEY", "anthropic", "https://api.anthropic.com"),
    ("GEMINI_API_KEY", "google", "https://generativelanguage.googleapis.com"),
    ("GOOGLE_API_KEY", "google", "https://generativelanguage.googleapis.com"),
]


@pytest.mark.parametrize(("variable", "vendor", "address"), VENDORS)
def test_a_vendors_key_alone_adds_its_provider(tmp_path: Path, variable: str, vendor: str, address: str) -> None:
    (found,) = providers(tmp_path, environ={variable: SECRET})
    assert (found.name, found.kind, found.base_url) == (vendor, vendor, address)
    assert (found.api_key, found.source) == (SECRET, "environment")
    assert providers(tmp_path, environ={variable: ""}) == []
    (own,) = providers(tmp_path, f'[[providers]]\nname = "own"\nkind = "{vendor}"\napi_key = "k"\n')
    assert own.base_url == address


def test_every_vendors_key_adds_its_own_provider(tmp_path: Path) -> None:
    found = providers(tmp_path, environ={variable: SECRET for variable, _, _ in VENDORS})
    assert [provider.name for provider in found] == list(dict.fromkeys(vendor for _, vendor, _ in VENDORS))


@pytest.mark.parametrize("name", ["its-own", "work"])
@pytest.mark.parametrize(("variable", "vendor", "address"), VENDORS)
def test_a_table_that_takes_a_vendors_key_is_not_doubled(
    tmp_path: Path, name: str, variable: str, vendor: str, address: str
) -> None:
    name = vendor if name == "its-own" else name
    toml = f'[[providers]]\nname = "{name}"\nkind = "{vendor}"\napi_key_env = "{variable}"\n'
    found = providers(tmp_path, toml, {variable: SECRET})
    assert [(provider.name, provider.base_url) for provider in found] == [(name, address)]


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
        (
            '[[providers]]\nname = "x"\nkind = "other"\n',
            3,
            "a provider's kind must be one of openai, azure, anthropic, google, bedrock, vllm, openai-compatible",
        ),
        ('[[providers]]\nname = "x"\nmodels = 3\n', 3, "a provider's models must be a list of texts"),
        ("[[providers]]\nname = 3\n", 2, "a provider's name must be text"),
        ('[[providers]]\nname = "x"\n', 2, "the provider x is of the kind openai-compatible, but has no base_url"),
        ('[[providers]]\nname = "x"\nkind = "azure"\n', 2, "the provider x is of the kind azure, but has no base_url"),
        ('[[providers]]\nname = "x"\nkind = "vllm"\n', 2, "the provider x is of the kind vllm, but has no base_url"),
        ('[[providers]]\nname = "x"\nbase_url = "ftp://h"\n', 3, "base_url must begin with http://"),
        ('[[providers]]\nname = "x"\nbase_url = "h:1/v1"\n', 3, "base_url must begin with http://"),
        (f'[[providers]]\nname = "x"\nbase_url = "http://u:{SECRET}@h/v1"\n', 3, "base_url carries a credential"),
        (f'[[providers]]\nname = "x"\nbase_url = "http://h/v1?key={SECRET}"\n', 3, "base_url carries a query"),
        ('[[providers]]\nname = "x"\nbase_url = "http://h:99999/v1"\n', 3, "base_url is no address"),
        ('[[providers]]\nname = "x"\nbase_url = "http://127.0.0.1:8000/v1"\n', 3, "the provider x is this appliance itself"),
        (ONE + f'api_key = "{SECRET}"\napi_key_env = "HAVE"\n', 4, "the provider one has both api_key and api_key_env"),
        (ONE + 'api_key_env = "HAVE_NOT"\n', 4, "the provider one takes its credential from HAVE_NOT, which is not set"),
        (
            ONE + 'api_version = "2024-10-21"\n',
            4,
            "one is of the kind openai-compatible, which has no api_version: that is azure's",
        ),
        (ONE + 'region = "us-east-1"\n', 4, "one is of the kind openai-compatible, which has no region: that is bedrock's"),
        (ONE + f'secret_access_key = "{SECRET}"\n', 4, "one is of the kind openai-compatible, which has no secret_access_key"),
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


@pytest.mark.parametrize(("variable", "vendor", "address"), VENDORS)
def test_two_different_credentials_for_a_vendor_are_a_contradiction(
    tmp_path: Path, variable: str, vendor: str, address: str
) -> None:
    toml = f'[[providers]]\nname = "{vendor}"\nkind = "{vendor}"\napi_key = "{SECRET}"\n'
    with pytest.raises(SettingsError, match=f"one credential here and another in {variable} in the environment") as refused:
        providers(tmp_path, toml, {variable: "another"})
    assert f'api_key_env = "{variable}"' in refused.value.fix
    assert SECRET not in str(refused.value)


AWS = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIAOUTER", "AWS_SECRET_ACCESS_KEY": "outer/secret+"}


def bedrock(**given: Any) -> Settings:
    return Settings(providers=[ProviderSettings(name="aws", **{"kind": "bedrock", **given})])


def problems_of(settings: Settings, variables: Mapping[str, str]) -> list[str]:
    found = contradictions(settings, variables, lambda index, key: f"providers[{index}].{key}")
    return [f"{problem.where}: {problem.what}" for problem in found]


def test_bedrock_takes_what_its_table_leaves_out_from_the_environment() -> None:
    assert problems_of(bedrock(), AWS) == []
    (aws,) = with_credentials(bedrock(), AWS, {}).providers
    assert (aws.region, aws.access_key_id, aws.secret_access_key) == ("eu-central-1", "AKIAOUTER", "outer/secret+")
    assert aws.base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    own = bedrock(region="us-west-2", access_key_id="AKIAINNER", secret_access_key="inner", base_url="http://vpc/")
    (aws,) = with_credentials(own, AWS, {}).providers
    assert (aws.region, aws.access_key_id, aws.secret_access_key, aws.base_url) == (
        "us-west-2", "AKIAINNER", "inner", "http://vpc",
    )  # fmt: skip


def test_a_bearer_key_of_bedrock_needs_no_pair_of_keys() -> None:
    settings = bedrock(api_key_env="BEARER", region="us-east-1")
    assert problems_of(settings, {"BEARER": "b"}) == []
    (aws,) = with_credentials(settings, {"BEARER": "b", **AWS}, {}).providers
    assert (aws.api_key, aws.access_key_id, aws.secret_access_key) == ("b", "", "")


def test_the_variables_of_aws_are_read_for_bedrock_alone() -> None:
    assert variables_read(bedrock().providers) >= set(AWS)
    assert not variables_read([ProviderSettings(name="one", base_url="http://h")]) & set(AWS)


@pytest.mark.parametrize(
    ("given", "variables", "told"),
    [
        ({}, {}, ["name: the provider aws is of the kind bedrock, but has no region",
                  "name: the provider aws is of the kind bedrock, but has no access_key_id",
                  "name: the provider aws is of the kind bedrock, but has no secret_access_key"]),
        ({"access_key_id": "AKIA"}, {"AWS_REGION": "us-east-1"},
         ["name: the provider aws is of the kind bedrock, but has no secret_access_key"]),
        ({"api_key": "b", "secret_access_key": "s"}, {"AWS_REGION": "us-east-1"},
         ["secret_access_key: the provider aws has both a bearer key and secret_access_key"]),
        ({"region": "a.evil.example/"}, AWS, ["region: what the provider aws has as its region can't be one"]),
        ({}, {**AWS, "AWS_SECRET_ACCESS_KEY": "s\n"},
         ["secret_access_key: what the provider aws has as its secret_access_key can't be one"]),
        ({"api_version": "2024-10-21"}, AWS,
         ["api_version: aws is of the kind bedrock, which has no api_version: that is azure's"]),
        ({"kind": "azure", "api_version": "2024&x=y"}, {},
         ["api_version: what the provider aws has as its api_version can't be one"]),
    ],
)  # fmt: skip
def test_a_vendors_keys_that_cannot_work_are_refused(given: dict[str, Any], variables: dict[str, str], told: list[str]) -> None:
    assert problems_of(bedrock(**given), variables) == [f"providers[0].{line}" for line in told]
