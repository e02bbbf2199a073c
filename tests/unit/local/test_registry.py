"""Models that are here: added, linked, removed; what goes wrong leaves nothing behind."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import Conflict, InvalidField, ModelUnknown
from appliance.home import Home
from appliance.local import files
from appliance.local.catalogue import catalogue
from appliance.local.gguf import GgufError
from appliance.local.kinds import ModelKind
from appliance.local.registry import AddedModel, Registry, RegistryBroken, id_for
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
    assert sorted(path.name for path in box.models.iterdir()) == [".registry.lock", "registry.json"]
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


ADDS = """
import sys, time
from pathlib import Path
from appliance.home import Home
from appliance.local.registry import Registry
read = Registry._added
def slow(self):
    found = read(self)
    time.sleep(0.01)
    return found
Registry._added = slow
registry = Registry(Home(Path(sys.argv[1])), {})
for number in range(10):
    registry.add(Path(sys.argv[2]), f"{sys.argv[3]}-{number}", link=True)
"""


def test_nothing_is_lost_where_several_add_models_at_once(
    box: Home, registry: Registry, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Registry._added

    def slowly(self: Registry) -> dict[str, AddedModel]:
        found = read(self)
        time.sleep(0.02)
        return found

    monkeypatch.setattr(Registry, "_added", slowly)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: Registry(box, {}).add(file, f"thread-{number}", link=True), range(8)))
        list(pool.map(lambda number: Registry(box, {}).remove(f"thread-{number}"), range(4)))
    assert set(registry.models()) == {f"thread-{number}" for number in range(4, 8)}


def test_nothing_is_lost_where_several_programs_add_models_at_once(box: Home, registry: Registry, file: Path) -> None:
    programs = [subprocess.Popen([sys.executable, "-c", ADDS, str(box.root), str(file), name]) for name in "ab"]
    assert [program.wait(60) for program in programs] == [0, 0]
    assert set(registry.models()) == {f"{name}-{number}" for name in "ab" for number in range(10)}


def test_of_two_that_add_one_id_at_once_the_second_is_refused_and_changes_nothing(
    box: Home, registry: Registry, file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(ggufs.honest() + b"other")
    first: list[Any] = []

    def meanwhile(done: int, total: int) -> None:
        first.append(Registry(box, catalogue()).add(other, "mine", link=False))

    with pytest.raises(Conflict):
        registry.add(file, "mine", link=False, on_progress=meanwhile)
    assert registry.models() == {"mine": first[0]}
    assert (box.models / "mine.gguf").read_bytes() == other.read_bytes()
    assert sorted(path.name for path in box.models.iterdir()) == [".registry.lock", "mine.gguf", "registry.json"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"file": "../precious.db"},
        {"file": "sub/precious.db"},
        {"file": "..\\precious.db"},
        {"file": ".."},
        {"file": ""},
        {"file": "registry.json"},
        {"file": "/tmp/a\0b"},
        {"id": "../mine"},
        {"id": "Mine"},
        {"bytes": -1},
    ],
    ids=str,
)
def test_a_list_that_names_what_is_not_ours_is_not_believed(
    box: Home, registry: Registry, file: Path, wrong: dict[str, Any]
) -> None:
    model = registry.add(file, "mine", link=False)
    precious = box.root / "precious.db"
    precious.write_bytes(b"precious")
    entry = {"id": "mine", "file": "mine.gguf", "kind": "chat", "sha256": model.sha256, "bytes": model.bytes, "added_at": 1}
    (box.models / "registry.json").write_text(json.dumps([{**entry, **wrong}]))
    with pytest.raises(RegistryBroken, match="is damaged: its entry"):
        registry.models()
    with pytest.raises(RegistryBroken):
        registry.remove(str({**entry, **wrong}["id"]))
    assert precious.exists()
    assert (box.models / "registry.json").exists()


def test_a_list_that_was_carried_here_from_another_system_is_read(box: Home, registry: Registry) -> None:
    entry = {"id": "mine", "file": "C:\\Models\\a.gguf", "kind": "chat", "sha256": "0" * 64, "bytes": 1, "added_at": 1}
    (box.models / "registry.json").write_text(json.dumps([entry]))
    assert registry.models() == {}
    assert registry.remove("mine").linked


def test_a_list_that_can_not_be_read_is_said_to_be_so(box: Home, registry: Registry) -> None:
    (box.models / "registry.json").mkdir()
    with pytest.raises(RegistryBroken, match="can't be read: Is a directory"):
        registry.models()
    assert registry.signature()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_list_of_another_user_is_said_to_be_so(box: Home, registry: Registry, file: Path) -> None:
    registry.add(file, "mine", link=True)
    (box.models / "registry.json").chmod(0)
    with pytest.raises(RegistryBroken, match="can't be read: Permission denied"):
        registry.models()


def test_what_a_linked_file_is_changed_to_is_seen(registry: Registry, file: Path) -> None:
    registry.add(file, "mine", link=True)
    before = registry.signature()
    assert registry.signature() == before
    file.write_bytes(file.read_bytes() + b"more")
    assert registry.signature() != before


def test_a_model_is_removed_from_a_full_disk(box: Home, registry: Registry, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.add(file, "mine", link=False)

    def full(self: Registry, added: Mapping[str, AddedModel]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "_write", full)
        with pytest.raises(RegistryBroken, match=r"mine: its file is deleted, but .*No space left on device"):
            registry.remove("mine")
    assert not (box.models / "mine.gguf").exists()
    assert registry.models() == {}
    registry.remove("mine")
    assert json.loads((box.models / "registry.json").read_text()) == []


def test_a_copy_that_can_not_be_put_on_the_list_does_not_stay(
    box: Home, registry: Registry, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Registry, added: Mapping[str, AddedModel]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Registry, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        registry.add(file, "mine", link=False)
    assert [path.name for path in box.models.iterdir()] == [".registry.lock"]


def test_a_link_that_leads_in_a_circle_is_no_model(registry: Registry, tmp_path: Path) -> None:
    circle = tmp_path / "circle.gguf"
    circle.symlink_to(circle)
    with pytest.raises(OSError, match="its link leads in a circle"):
        registry.add(circle, "mine", link=True)
    with pytest.raises(OSError, match="its link leads in a circle"):
        registry.adopt(circle, "mine", "folder", "0" * 64)


def test_what_a_killed_program_left_is_swept_with_the_next_one(box: Home, registry: Registry, file: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(60)
    ours = [box.models / f".a.gguf.{process}.0123abcd.part" for process in (gone.pid, os.getpid())]
    theirs = box.models / f".a.gguf.{os.getppid()}.0123abcd.part"
    for part in (*ours, theirs):
        part.write_bytes(b"half")
    with files.part_beside(box.models / "b.gguf") as live:
        live.write_bytes(b"half")
        registry.add(file, "mine", link=False)
        assert live.exists()
    assert [part.exists() for part in (*ours, theirs)] == [False, False, True]


def test_no_copy_takes_the_place_of_a_model_of_the_catalogue(registry: Registry, file: Path) -> None:
    name = catalogue()[DEMONSTRATION].file.lower().removesuffix(".gguf")
    with pytest.raises(Conflict, match="a model of the catalogue has the file"):
        registry.add(file, name, link=False)
    assert registry.free_id(name) == f"{name}-2"


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
