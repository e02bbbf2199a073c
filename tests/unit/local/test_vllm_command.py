"""How vLLM is started: its flags, what it gets of our environment, what speaks against it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.local import vllm_command
from appliance.local.vllm_launch import Guard
from appliance.settings import VllmSettings


def table(**more: Any) -> VllmSettings:
    return VllmSettings(**{"name": "m", "model": "/models/m", **more})


def test_the_flags_say_what_the_table_says() -> None:
    flags = vllm_command.flags(table(memory_share=0.45, context_tokens=4096, arguments=["-tp", "2"]), 1234)
    assert flags == [
        "--model=/models/m",
        "--served-model-name=m",
        "--host=127.0.0.1",
        "--port=1234",
        "--gpu-memory-utilization=0.45",
        "--disable-uvicorn-access-log",
        "--max-model-len=4096",
        "--allowed-media-domains",
        "none.invalid",
        "-tp",
        "2",
    ]


def test_an_administrator_may_name_the_hosts_from_which_images_are_fetched() -> None:
    flags = vllm_command.flags(table(arguments=["--allowed-media-domains", "images.example.org"]), 1)
    assert "none.invalid" not in flags


def test_each_start_has_a_key_of_its_own_that_is_in_the_environment_alone() -> None:
    one, two = vllm_command.command(table(), {}), vllm_command.command(table(), {})
    assert one.key != two.key
    assert one.environment["VLLM_API_KEY"] == one.key
    assert one.key not in " ".join(one.words)
    assert one.key not in repr(one)


def test_of_our_environment_vllm_gets_what_it_needs_and_no_secret() -> None:
    ours = {
        "PATH": "/bin",
        "HOME": "/home/you",
        "CUDA_VISIBLE_DEVICES": "1",
        "HF_HOME": "/hf",
        "VLLM_CPU_KVCACHE_SPACE": "4",
        "OPENAI_API_KEY": "sk-x",
        "GATEHOUSE_JWT_SECRET_KEY": "x",
        "HF_TOKEN": "hf_x",
        "VLLM_API_KEY": "theirs",
        "VLLM_LOGGING_LEVEL": "DEBUG",
        "VLLM_DEBUG_LOG_API_SERVER_RESPONSE": "1",
        "VLLM_SERVER_DEV_MODE": "1",
        "VLLM_HOST_IP": "192.0.2.1",
        "PYTHONPATH": "/evil",
    }
    found = vllm_command.environment(table(), ours)
    assert {name: found[name] for name in ours if name in found} == {
        "PATH": "/bin",
        "HOME": "/home/you",
        "CUDA_VISIBLE_DEVICES": "1",
        "HF_HOME": "/hf",
        "VLLM_CPU_KVCACHE_SPACE": "4",
        "VLLM_HOST_IP": "127.0.0.1",
    }
    assert found["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize(
    ("ours", "cache"),
    [
        ({"HOME": "/home/you"}, "/home/you/.cache/vllm/torchinductor"),
        ({"HOME": "/home/you", "XDG_CACHE_HOME": "/cache"}, "/cache/vllm/torchinductor"),
        ({"HOME": "/home/you", "TORCHINDUCTOR_CACHE_DIR": "/compiled"}, "/compiled"),
        ({}, None),
    ],
)
def test_what_torch_compiled_outlives_the_temporary_folder(ours: dict[str, str], cache: str | None) -> None:
    assert vllm_command.environment(table(), ours).get("TORCHINDUCTOR_CACHE_DIR") == cache


def test_it_goes_online_only_where_a_download_was_allowed() -> None:
    found = vllm_command.environment(table(allow_download=True), {"HF_TOKEN": "hf_x"})
    assert found["HF_TOKEN"] == "hf_x"
    assert "HF_HUB_OFFLINE" not in found
    assert found["VLLM_NO_USAGE_STATS"] == "1"


@pytest.mark.parametrize("model", ["../m", "models/a/b", "~root", "-x", "a b", "http://host/m", "a/b\n"])
def test_what_is_neither_a_folder_nor_an_id_is_refused(model: str) -> None:
    found = vllm_command.problem(table(model=model, device="cpu"))
    assert found is not None
    assert "neither a folder's whole path nor an id" in found[0] or "holds no model" in found[0]


def test_an_id_of_the_hub_and_a_folder_are_fine(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    for model in ("gpt2", "Qwen/Qwen3-0.6B", str(tmp_path)):
        assert vllm_command.problem(table(model=model, device="cpu")) is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is left to vLLM")
def test_without_a_graphics_processor_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_command, "has_gpu", lambda: False)
    found = vllm_command.problem(table(model="gpt2"))
    assert found is not None
    assert "no graphics processor" in found[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"authorization", b"Bearer right")], 200),
        ([(b"Authorization", b"Bearer right")], 200),
        ([], 401),
        ([(b"authorization", b"Bearer wrong")], 401),
        ([(b"authorization", b"bearer right")], 401),
        ([(b"authorization", b"Bearer right"), (b"authorization", b"Bearer wrong")], 401),
        ([(b"authorization", b"Bearer right ")], 401),
        ([(b"authorization", "Bearer é".encode())], 401),
    ],
)
@pytest.mark.parametrize(
    ("path", "method"), [("/v1/models", "GET"), ("/health", "GET"), ("/invocations", "POST"), ("/", "OPTIONS")]
)
def test_the_guard_asks_for_the_key_on_every_path(
    monkeypatch: pytest.MonkeyPatch, headers: list[tuple[bytes, bytes]], status: int, path: str, method: str
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "right")
    assert _through(Guard, {"type": "http", "path": path, "method": method, "headers": headers}) == status


def test_the_guard_closes_web_sockets_and_lets_the_server_itself_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "right")
    assert _through(Guard, {"type": "websocket", "path": "/v1/realtime", "headers": []}) == 1008
    assert _through(Guard, {"type": "lifespan"}) == 200


def _through(guard: Any, scope: dict[str, Any]) -> int:
    """The status of what the guard sends itself, or 200 where it lets the request through."""
    said: list[int] = []

    async def app(*_: Any) -> None:
        said.append(200)

    async def send(message: dict[str, Any]) -> None:
        said.extend(message[name] for name in ("status", "code") if name in message)

    asyncio.run(guard(app)(scope, None, send))
    (status,) = said
    return status
