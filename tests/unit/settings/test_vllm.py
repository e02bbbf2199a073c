"""`[[vllm]]` tables: what they may not say, told with its line."""

from pathlib import Path

import pytest

from appliance.home import Home
from appliance.settings import VllmSettings
from appliance.settings_rules import SettingsError
from appliance.settings_sources import load

ONE = '[[vllm]]\nname = "one"\nmodel = "/models/one"\n'


def tables(folder: Path, toml: str, **environ: str) -> list[VllmSettings]:
    home = Home(folder / "home").make()
    home.settings_file.write_text(toml)
    return load(home, environ).settings.vllm


def refusal(folder: Path, toml: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        tables(folder, toml, **environ)
    return f"{caught.value.message} {caught.value.fix}"


def test_a_table_is_read(tmp_path: Path) -> None:
    toml = ONE + 'memory_share = 0.5\ncontext_tokens = 4096\ndevice = "cpu"\narguments = ["--enforce-eager", "-tp", "2"]\n'
    (one,) = tables(tmp_path, toml)
    assert (one.name, one.model, one.memory_share, one.context_tokens, one.device) == ("one", "/models/one", 0.5, 4096, "cpu")
    assert one.arguments == ["--enforce-eager", "-tp", "2"]
    assert (one.allow_download, one.allow_remote_code) == (False, False)


def test_the_environment_may_hold_the_tables_as_json(tmp_path: Path) -> None:
    (one,) = tables(tmp_path, "", GATEHOUSE_VLLM='[{"name": "Org/Model-7B", "model": "Org/Model-7B", "memory_share": 1}]')
    assert (one.name, one.memory_share) == ("Org/Model-7B", 1.0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("memory_share = 0", "line 4: a vLLM model's memory_share must be a number above 0 and of at most 1"),
        ("memory_share = 1.5", "must be a number above 0 and of at most 1"),
        ('memory_share = "half"', "must be a number"),
        ("context_tokens = -1", "a vLLM model's context_tokens must be a whole number of at least 0"),
        ('device = "tpu"', "a vLLM model's device must be one of gpu, cpu"),
        ('allow_download = "yes"', "a vLLM model's allow_download must be true or false"),
        ("arguments = [1]", "a vLLM model's arguments must be a list of texts"),
        ("python = 3", "a vLLM model's python must be text in double quotes"),
        ("memory = 0.5", "line 4: a vLLM model has no setting 'memory'"),
        ('arguments = ["value"]', "begin with 'value', which is no flag"),
        ('arguments = ["--seed", "\\u0000"]', "line 4: the arguments of one has a zero byte in it"),
        ('python = "/venv/\\u0000/python"', "line 4: the python of one has a zero byte in it"),
    ],
)
def test_what_a_table_says_wrongly_is_told_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    assert words in refusal(tmp_path, f"{ONE}{line}\n")


@pytest.mark.parametrize("name", ["", "-x", "a b", "é", "a" * 129])
def test_a_name_that_callers_could_not_write_is_refused(tmp_path: Path, name: str) -> None:
    assert "a vLLM model's name may have letters" in refusal(tmp_path, f'[[vllm]]\nname = "{name}"\nmodel = "m"\n')


def test_a_name_and_a_model_are_needed(tmp_path: Path) -> None:
    message = refusal(tmp_path, '[[vllm]]\ndevice = "cpu"\n')
    assert "a vLLM model needs a name" in message
    assert "a vLLM model needs a model" in message


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (ONE, "a vLLM model called 'one' stands above already"),
        ('[[providers]]\nname = "one"\nbase_url = "http://h:1/v1"\n', "'one' is the name of the provider one"),
        ('[[providers]]\nname = "vllm"\nbase_url = "http://h:1/v1"\n', "there is a provider called 'vllm'"),
        ('[[vllm]]\nname = "local/x"\nmodel = "m"\n', "the name 'local' belongs to this machine's own models"),
        ('[[vllm]]\nname = "vllm"\nmodel = "m"\n', "the name 'vllm' belongs to this machine's own models"),
    ],
)
def test_a_name_that_leads_elsewhere_already_is_refused(tmp_path: Path, more: str, words: str) -> None:
    assert words in refusal(tmp_path, ONE + more)


def test_the_provider_that_openai_api_key_adds_counts_too(tmp_path: Path) -> None:
    toml = '[[vllm]]\nname = "openai/gpt-oss-20b"\nmodel = "m"\n'
    assert tables(tmp_path, toml)
    assert "is the name of the provider openai, or of a model of it" in refusal(tmp_path, toml, OPENAI_API_KEY="sk-x")


def test_a_download_and_an_air_gap_contradict_each_other(tmp_path: Path) -> None:
    assert "air_gap refuses that" in refusal(tmp_path, f"air_gap = true\n{ONE}allow_download = true\n")


@pytest.mark.parametrize("flag", ["--allowed-media-domains", "--allowed_media_domains", "--allowed-med"])
def test_images_fetched_by_vllm_and_an_air_gap_contradict_each_other(tmp_path: Path, flag: str) -> None:
    toml = f'{ONE}arguments = ["{flag}", "images.example.org"]\n'
    assert tables(tmp_path, toml)
    assert "--allowed-media-domains), but air_gap refuses that" in refusal(tmp_path, f"air_gap = true\n{toml}")
    assert tables(tmp_path, f'air_gap = true\n{ONE}arguments = ["--max-num-seqs=4"]\n')


@pytest.mark.parametrize(
    "argument",
    [
        *("--host", "--host=0.0.0.0", "--hos", "--port", "--po=1", "--api-key", "--api_key=x", "--api", "--uds", "--ssl-keyfile"),
        *("--trust-remote-code", "--trust_remote_code", "--trust", "--middleware=x.Y", "--model", "--served_model_name=x"),
        *("--config", "--co=x.yaml", "--enable-log-requests", "--tool-parser-plugin=/x.py", "--hf-token", "--headless", "--grpc"),
        *("--kv-transfer-config.kv_connector=X", "--distributed-executor-backend=ray", "--logits-processors", "--", "--m"),
        *("-asc", "-n", "-r", "-dpa=10.0.0.1", "-h", "-x", "--allowed-local-media-path=/", "--otlp-traces-endpoint"),
        *("--gpu-memory-utilization=1", "--max-model-len", "--disable-log-stats", "--data-parallel-address"),
    ],
)
def test_flags_that_would_open_a_door_are_refused_however_they_are_written(tmp_path: Path, argument: str) -> None:
    message = refusal(tmp_path, f'{ONE}arguments = ["--enforce-eager", "{argument}", "value"]\n')
    assert f"line 4: the argument {argument.partition('=')[0].partition('.')[0]} of one is" in message


@pytest.mark.parametrize(
    "arguments",
    [
        '"--enable-auto-tool-choice", "--tool-call-parser", "hermes"',
        '"-tp", "2", "-q=awq", "-O3", "-cc.mode=3"',
        '"--max-num-seqs=64", "--seed", "-1", "--dtype", "bfloat16", "--enable-prefix-caching", "--no-enable-prefix-caching"',
        '"--model-loader-extra-config", "{}", "--tokenizer-mode=auto", "--enable-lora", "--load-format=auto", "-dp=2"',
        '"--limit-mm-per-prompt.image=2", "--chat-template", "/path/to/template.jinja"',
        '"--reasoning-parser", "qwen3", "--data-parallel-size=1"',
    ],
)
def test_flags_that_concern_the_model_pass(tmp_path: Path, arguments: str) -> None:
    assert tables(tmp_path, f"{ONE}arguments = [{arguments}]\n")


def test_code_that_comes_with_the_model_runs_where_the_table_says_so(tmp_path: Path) -> None:
    assert tables(tmp_path, f'{ONE}allow_remote_code = true\narguments = ["--trust-remote-code"]\n')
