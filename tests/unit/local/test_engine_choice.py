"""Which engine runs models: the settings' or the best that is here, seen anew while the server runs."""

import asyncio
import importlib.util
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.clock import SystemClock
from appliance.errors import LocalModelFailed
from appliance.home import Home
from appliance.local import engine_choice
from appliance.local.engine_choice import choice
from appliance.local.models import LocalModels
from appliance.local.room import ENGINES
from appliance.settings import Settings
from appliance.telemetry.events import Events

MODEL = "smollm2-135m-instruct"
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
SLOW: dict[str, Any] = {**HELLO, "grammar": "root ::= [a-z ]{1500}", "max_tokens": 1500}
SETTINGS: dict[str, Any] = {"local_parallel": 2, "local_context_tokens": 512}

both = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("llama_cpp", "xllamacpp")), reason="needs both engines"
)
some = pytest.mark.skipif(choice("auto").name is None, reason="no engine is installed")


def install(folder: Path, module: str, distribution: str = "") -> None:
    """A package as pip leaves it: the module, then the distribution's metadata. Importing it is a failure."""
    (folder / module).mkdir(exist_ok=True)
    (folder / module / "__init__.py").write_text("raise AssertionError('nobody wanted it imported')")
    if distribution:
        metadata = folder / f"{distribution.replace('-', '_')}-1.2.3.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2.3\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that packages can be installed into."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: dict[str, Any] = dict.fromkeys(("engine_one", "engine_two"), ENGINES["xllamacpp"])
    monkeypatch.setattr(engine_choice, "ENGINES", made)
    return tmp_path


HOUSE = {"engine_one": "engine-one", "engine_two": "engine-two"}


def test_the_first_engine_that_is_installed_is_chosen_and_none_is_imported(site: Path) -> None:
    assert choice("auto", HOUSE).name is None
    install(site, "engine_two", "engine-two")
    assert choice("auto", HOUSE) == engine_choice.Choice("engine_two", "1.2.3")
    install(site, "engine_one", "engine-one")
    assert choice("auto", HOUSE).name == "engine_one", "seen in the same process, a moment after it was installed"
    assert choice("engine_two", HOUSE).name == "engine_two"


def test_a_package_that_pip_is_still_writing_is_not_chosen(site: Path) -> None:
    install(site, "engine_one")
    assert choice("auto", HOUSE).name is None


def test_an_engine_that_settings_name_and_that_is_not_here_is_named_with_its_package(site: Path) -> None:
    install(site, "engine_two", "engine-two")
    found = choice("engine_one", HOUSE)
    assert found.name is None
    assert "local_engine is engine_one" in found.reason
    assert "pip install engine-one" in found.reason


# With real engines


def make(home: Home, events: Events | None = None, **settings: Any) -> LocalModels:
    return LocalModels(Settings(**{**SETTINGS, **settings}), home, SystemClock(), None, events)


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(engine_choice, "ENGINES", {name: ENGINES[name] for name in names})


async def said(models: LocalModels, request: dict[str, Any] = HELLO, heard: asyncio.Event | None = None) -> bool:
    """Whether the answer was whole."""
    is_whole = False
    async with aclosing(models.chat(MODEL, request)) as chunks:
        async for chunk in chunks:
            is_whole = "usage" in chunk
            if chunk["choices"] and heard is not None:
                heard.set()
    return is_whole


def engine_of(models: LocalModels) -> tuple[str, str | None]:
    shown = models.detail(MODEL)
    return shown.state, shown.engine


@both
async def test_an_engine_that_appears_takes_over_an_idle_model(model_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "xllamacpp")
    events = Events()
    models, subscription = make(model_home, events), events.subscribe()
    assert await said(models)
    assert engine_of(models) == ("ready", "xllamacpp")
    only(monkeypatch, "llama_cpp", "xllamacpp")
    await models.look()
    assert engine_of(models) == ("unloaded", None)
    assert models.engine_shown().name == "llama_cpp"
    assert await said(models)
    assert engine_of(models) == ("ready", "llama_cpp")
    told = [msgspec.json.decode(event.data) for event in subscription.unseen() if event.name == "model"]
    assert [(each["state"], each["engine"]) for each in told] == [
        ("loading", "xllamacpp"),
        ("ready", "xllamacpp"),
        ("unloaded", None),
        ("loading", "llama_cpp"),
        ("ready", "llama_cpp"),
    ]
    await models.close()


@both
async def test_an_engine_that_appears_waits_until_requests_have_been_answered(
    model_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, "xllamacpp")
    models, heard = make(model_home), asyncio.Event()
    answering = asyncio.ensure_future(said(models, {**SLOW, "max_tokens": 60}, heard))
    await heard.wait()
    only(monkeypatch, "llama_cpp", "xllamacpp")
    await models.look()
    assert engine_of(models) == ("ready", "xllamacpp")
    assert await answering
    await models.look()
    assert engine_of(models) == ("unloaded", None)
    await models.close()


@some
async def test_an_engine_that_can_not_be_brought_up_is_named_as_such_and_not_the_model(
    model_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker has no engine of that name, as where a library is missing that it needs."""
    monkeypatch.setattr(engine_choice, "ENGINES", {"json": ENGINES["xllamacpp"]})
    monkeypatch.setitem(engine_choice.DISTRIBUTIONS, "json", "pytest")
    models = make(model_home)
    assert models.engine_shown().name == "json"
    with pytest.raises(LocalModelFailed, match=r"the engine json can't be used on this machine") as caught:
        await said(models)
    assert "doctor" in caught.value.fix
    assert "local_engine" in caught.value.fix
    assert "the engine json" in (models.detail(MODEL).last_failure or "")
    await models.close()


@both
async def test_a_worker_that_ended_itself_because_it_was_stuck_is_told_in_words(model_home: Home) -> None:
    models = make(model_home, local_engine="llama_cpp", local_step_seconds_max=0.001)  # every step takes longer
    with pytest.raises(LocalModelFailed, match=rf"the local model {MODEL} got stuck in one step of its work") as caught:
        await said(models)
    assert "status" not in caught.value.message
    assert caught.value.fix
    assert "got stuck in one step" in (models.detail(MODEL).last_failure or "")
    await models.close()
