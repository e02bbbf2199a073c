"""Models that are here: added, linked, removed; what goes wrong leaves nothing behind."""

import hashlib
import json
from pathlib import Path

import pytest

from appliance.errors import Conflict, InvalidField, ModelUnknown
from appliance.home import Home
from appliance.local.catalogue import catalogue
from appliance.local.gguf import GgufError
from appliance.local.kinds import ModelKind
from appliance.local.registry import Registry, RegistryBroken, id_for
from tests.unit.local import ggufs

DEMONSTRATION = "smollm2-135m-instruct"


@pytest.fixture
def box(home: Path) -> Home:
    return Home(home).make()


@pytest.fixture
def registry(box: Home) -> Registry:
    return Registry(box, catalogue())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "My Model (v2) Q4_K_M.gguf"
    path.write_bytes(ggufs.honest())
    return path


def test_a_fresh_home_has_no_models(registry: Registry) -> None:
    assert registry.models() == {}


def test_a_model_of_the_catalogue_is_there_when_its_file_is(box: Home, registry: Registry) -> None:
    entry = catalogue()[DEMONSTRATION]
    (box.models / entry.file).write_bytes(ggufs.honest())
    model = registry.models()[DEMONSTRATION]
    assert (model.title, model.kind, model.context, model.demonstration) == (entry.title, ModelKind.CHAT, entry.context, True)
    assert model.added_at > 1_700_000_000_000


def test_an_added_model_is_a_copy_that_only_its_owner_may_read(box: Home, registry: Registry, file: Path) -> None:
    said: list[tuple[int, int]] = []
    before = registry.signature()
    model = registry.add(file, "mine", link=False, on_progress=lambda done, total: said.append((done, total)))
    file.unlink()
    assert registry.models() == {"mine": model}
    assert registry.signature() != before
    assert model.path == box.models / "mine.gguf"
    assert model.path.read_bytes() == ggufs.honest()
    assert model.sha256 == hashlib.sha256(ggufs.honest()).hexdigest()
    assert model.path.stat().st_mode & 0o077 == 0
    assert said[-1] == (model.bytes, model.bytes)
    assert Registry(box, {}).models() == {"mine": model}  # another process sees it


def test_a_model_says_where_it_came_from_and_under_which_licence(box: Home, registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "licensed.gguf"
    file.write_bytes(ggufs.honest({**ggufs.HONEST, "general.license": "apache-2.0"}))
    added = registry.add(file, "mine", link=False)
    adopted = registry.adopt(file, "theirs", "ollama", "0" * 64)
    assert (added.origin, added.licence) == ("added", "apache-2.0")
    assert (adopted.origin, adopted.licence, adopted.linked, adopted.sha256) == ("ollama", "apache-2.0", True, "0" * 64)
    assert registry.models() == {"mine": added, "theirs": adopted}
    with pytest.raises(Conflict):
        registry.adopt(file, "theirs", "ollama", "0" * 64)


def test_a_list_of_an_earlier_version_is_still_read(box: Home, registry: Registry, file: Path) -> None:
    model = registry.add(file, "mine", link=True)
    earlier = {"id": "mine", "file": str(file), "kind": "chat", "sha256": model.sha256, "bytes": model.bytes, "added_at": 1}
    (box.models / "registry.json").write_text(json.dumps([earlier]))
    assert registry.models()["mine"].origin == "added"


def test_a_free_id_is_the_wanted_one_or_has_a_number(registry: Registry, file: Path) -> None:
    assert registry.free_id("mine") == "mine"
    registry.add(file, "mine", link=True)
    assert registry.free_id("mine") == "mine-2"
    assert registry.free_id(DEMONSTRATION) == f"{DEMONSTRATION}-2"


def test_a_linked_model_stays_where_it_is(box: Home, registry: Registry, file: Path) -> None:
    model = registry.add(file, "mine", link=True)
    assert model.path == file.resolve()
    assert model.linked
    assert [path.name for path in box.models.iterdir()] == ["registry.json"]
    registry.remove("mine")
    assert file.exists()
    assert registry.models() == {}


def test_a_removed_model_takes_its_copy_along(box: Home, registry: Registry, file: Path) -> None:
    registry.add(file, "mine", link=False)
    registry.add(file, "other", link=False)
    registry.remove("mine")
    assert list(registry.models()) == ["other"]
    assert not (box.models / "mine.gguf").exists()
    with pytest.raises(ModelUnknown):
        registry.remove("mine")


def test_a_model_whose_file_is_gone_is_left_out_and_can_be_forgotten(registry: Registry, file: Path) -> None:
    registry.add(file, "mine", link=True)
    file.unlink()
    assert registry.models() == {}
    registry.remove("mine")
    with pytest.raises(ModelUnknown):
        registry.remove("mine")


@pytest.mark.parametrize("name", ["", "Mine", "-mine", "a/b", "../up", "a b", "x" * 65, "mine\n"])
def test_an_id_is_plain(registry: Registry, file: Path, name: str) -> None:
    with pytest.raises(InvalidField):
        registry.add(file, name, link=False)


def test_an_id_is_there_once(registry: Registry, file: Path) -> None:
    registry.add(file, "mine", link=False)
    for name in ("mine", DEMONSTRATION):
        with pytest.raises(Conflict):
            registry.add(file, name, link=False)


def test_what_is_no_model_leaves_nothing_behind(box: Home, registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "paper.pdf"
    file.write_bytes(b"%PDF-1.7" + bytes(1000))
    with pytest.raises(GgufError):
        registry.add(file, "mine", link=False)
    with pytest.raises(OSError, match="No such file"):
        registry.add(tmp_path / "nothing", "mine", link=False)
    assert list(box.models.iterdir()) == []


def test_a_damaged_list_is_said_to_be_damaged(box: Home, registry: Registry, file: Path) -> None:
    (box.models / "registry.json").write_text('[{"id": 5}]')
    with pytest.raises(RegistryBroken, match="is damaged"):
        registry.models()
    with pytest.raises(RegistryBroken):
        registry.add(file, "mine", link=False)


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("Qwen2.5-7B-Instruct-Q4_K_M.gguf", "qwen2.5-7b-instruct-q4_k_m"),
        ("My Model (v2).gguf", "my-model-v2"),
        ("हिन्दी.gguf", "model"),
        (".hidden.gguf", "hidden"),
        ("x" * 200 + ".gguf", "x" * 64),
    ],
)
def test_an_id_is_made_from_a_files_name(name: str, model_id: str) -> None:
    assert id_for(Path(name)) == model_id


def test_the_catalogue_agrees_with_the_demonstration_model(model_file: Path) -> None:
    entry = catalogue()[DEMONSTRATION]
    assert (model_file.name, model_file.stat().st_size) == (entry.file, entry.bytes)
