"""Models of other programs are adopted where they lie; their lists and folders are believed nothing."""

import hashlib
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from appliance.errors import InvalidField
from appliance.home import CannotStart, Home
from appliance.local import imports, ollama_store, verify
from appliance.local.catalogue import catalogue
from appliance.local.changes import ModelChanges
from appliance.local.imports import Candidate, adopt, candidates
from appliance.local.kinds import ModelKind
from appliance.local.registry import LocalModel, Registry
from appliance.local.tasks import Progress
from tests.unit.local import ggufs

MODEL = ggufs.honest()
SHA256 = hashlib.sha256(MODEL).hexdigest()
WEIGHTS = "application/vnd.ollama.image.model"


@pytest.fixture
def registry(home: Path) -> Registry:
    return Registry(Home(home).make(), catalogue())


class Store:
    """Ollama's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "blobs").mkdir(parents=True)

    def blob(self, data: bytes = MODEL) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        (self.root / "blobs" / f"sha256-{sha256}").write_bytes(data)
        return f"sha256:{sha256}"

    def manifest(self, name: str, layers: Any) -> Path:
        path = self.root / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(layers if isinstance(layers, str) else json.dumps({"schemaVersion": 2, "layers": layers}))
        return path

    def model(self, name: str, data: bytes = MODEL) -> str:
        digest = self.blob(data)
        self.manifest(name, [{"mediaType": WEIGHTS, "digest": digest, "size": len(data)}, {"mediaType": "x", "digest": "y"}])
        return digest


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "ollama")


def problems(found: list[Candidate]) -> dict[str, str]:
    return {candidate.id: candidate.problem for candidate in found}


class TestOllama:
    def test_its_models_are_named_as_people_know_them_and_are_not_copied(self, store: Store, registry: Registry) -> None:
        store.model("registry.ollama.ai/library/llama3.2/3b")
        store.model("registry.ollama.ai/someone/small/latest", ggufs.honest() + b"1")
        store.model("hf.co/Bartowski/Qwen2.5-0.5B-GGUF/Q4_K_M", ggufs.honest() + b"2")
        found = candidates("ollama", store.root)
        assert problems(found) == {"bartowski-qwen2.5-0.5b-gguf-q4_k_m": "", "llama3.2-3b": "", "someone-small": ""}
        chosen = next(each for each in found if each.id == "llama3.2-3b")
        model = adopt(registry, chosen)
        assert (model.id, model.origin, model.linked, model.kind) == ("llama3.2-3b", "ollama", True, ModelKind.CHAT)
        assert (model.path, model.sha256, model.bytes) == (store.root / "blobs" / f"sha256-{SHA256}", SHA256, len(MODEL))
        assert sorted(path.name for path in registry._folder.iterdir()) == [".registry.lock", "registry.json"]
        assert adopt(registry, chosen) == model  # once is enough

    def test_a_hash_that_ollama_only_claims_is_found_out_by_verify(self, store: Store, registry: Registry) -> None:
        digest = store.model("registry.ollama.ai/library/a/latest")
        blob = store.root / "blobs" / digest.replace(":", "-")
        blob.write_bytes(MODEL[:-1] + b"!")
        model = adopt(registry, candidates("ollama", store.root)[0])
        assert "its sha256 differs" in str(verify.problem(model))

    def test_two_names_of_one_file_are_one_model(self, store: Store) -> None:
        store.model("registry.ollama.ai/library/a/1b")
        store.model("registry.ollama.ai/library/a/latest")
        assert problems(candidates("ollama", store.root)) == {"a-1b": "", "a": "it is the same file as a-1b"}

    def test_what_can_not_be_run_is_skipped_with_the_reason(self, store: Store) -> None:
        library = "registry.ollama.ai/library"
        layer = {"mediaType": WEIGHTS, "digest": store.blob()}
        store.manifest(f"{library}/broken/a", "{")
        store.manifest(f"{library}/broken/b", '{"layers": 5}')
        store.manifest(f"{library}/large/a", " " * (ollama_store.MANIFEST_BYTES_MAX + 1))
        store.manifest(f"{library}/none/a", [])
        store.manifest(f"{library}/several/a", [layer, layer])
        store.manifest(f"{library}/adapter/a", [layer, {"mediaType": "application/vnd.ollama.image.adapter", "digest": "x"}])
        store.manifest(f"{library}/escape/a", [{"mediaType": WEIGHTS, "digest": "sha256:../../../etc/passwd"}])
        store.manifest(f"{library}/short/a", [{"mediaType": WEIGHTS, "digest": "sha256:abc"}])
        store.manifest(f"{library}/gone/a", [{"mediaType": WEIGHTS, "digest": f"sha256:{'0' * 64}"}])
        store.model(f"{library}/pdf/a", b"%PDF-1.7" + bytes(100))
        assert problems(candidates("ollama", store.root)) == {
            "adapter-a": "it is an adapter over another model, which can't be run alone",
            "broken-a": "its manifest is damaged",
            "broken-b": "its manifest is damaged",
            "escape-a": "its manifest names no sha256",
            "gone-a": "its file is not there (cloud model, or pulled halfway)",
            "large-a": "its manifest is damaged",
            "none-a": "it has no files of weights",
            "pdf-a": "this is no GGUF file",
            "several-a": "it has several files of weights",
            "short-a": "its manifest names no sha256",
        }

    def test_a_link_out_of_the_store_is_not_followed(self, store: Store, tmp_path: Path) -> None:
        digest = store.model("registry.ollama.ai/library/a/latest")
        blob = store.root / "blobs" / digest.replace(":", "-")
        blob.unlink()
        (tmp_path / "elsewhere.gguf").write_bytes(MODEL)
        blob.symlink_to(tmp_path / "elsewhere.gguf")
        assert problems(candidates("ollama", store.root)) == {"a": "its file lies outside of the store"}
        manifests = store.root / "manifests"
        (manifests / "loop").symlink_to(manifests)
        (manifests / "registry.ollama.ai" / "library" / "a" / "link").symlink_to("/etc/passwd")
        assert len(candidates("ollama", store.root)) == 1

    def test_its_usual_places_are_looked_at(self, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
        monkeypatch.delenv("OLLAMA_MODELS", raising=False)
        if not Path("/usr/share/ollama").exists():
            with pytest.raises(CannotStart, match="no models of Ollama are on this machine"):
                candidates("ollama")
        store.model("registry.ollama.ai/library/a/latest")
        monkeypatch.setenv("OLLAMA_MODELS", str(store.root))
        assert problems(candidates("ollama")) == {"a": ""}

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
    def test_a_store_of_another_user_is_said_plainly(self, store: Store) -> None:
        store.model("registry.ollama.ai/library/a/latest")
        (store.root / "manifests").chmod(0)
        with pytest.raises(CannotStart, match="can't be read by this user"):
            candidates("ollama", store.root)
        (store.root / "manifests").chmod(0o700)


class TestFolders:
    def test_lm_studios_folder_gives_what_is_whole_and_reasons_for_the_rest(
        self, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        repo = tmp_path / ".lmstudio" / "models" / "someone" / "Small-GGUF"
        repo.mkdir(parents=True)
        (repo / "Small-Q4_K_M.gguf").write_bytes(MODEL)
        (repo / "mmproj-Small.gguf").write_bytes(ggufs.honest({**ggufs.HONEST, "general.type": "mmproj"}))
        (repo / "Big-00001-of-00002.gguf").write_bytes(ggufs.honest({**ggufs.HONEST, "split.count": 2}))
        (repo / "README.md").write_text("hello")
        parts = "this is an adapter, a projector or one part of several, not a whole model"
        found = candidates("lmstudio")
        assert problems(found) == {"big-00001-of-00002": parts, "mmproj-small": parts, "small-q4_k_m": ""}
        model = adopt(registry, found[1])
        assert (model.origin, model.sha256, model.path) == ("lmstudio", SHA256, repo / "Small-Q4_K_M.gguf")
        with pytest.raises(CannotStart, match="not a whole model"):
            adopt(registry, found[0])

    def test_a_folder_that_leads_in_circles_or_without_end_is_left_in_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = tmp_path / "models"
        deep = place.joinpath(*"abcdefghij")
        deep.mkdir(parents=True)
        (deep / "too-deep.gguf").write_bytes(MODEL)
        (place / "a" / "in-reach.gguf").write_bytes(MODEL)
        (place / "a" / "circle").symlink_to(place)
        (place / ".hidden").mkdir()
        (place / ".hidden" / "hidden.gguf").write_bytes(MODEL)
        (place / "folder.gguf").mkdir()
        (place / "dangling.gguf").symlink_to("nowhere")
        os.mkfifo(place / "pipe.gguf")
        found = problems(candidates("folder", place))
        assert found["in-reach"] == ""
        assert set(found) == {"in-reach", "dangling", "pipe"}

    def test_the_same_name_twice_gets_a_number(self, tmp_path: Path, registry: Registry) -> None:
        for number, folder in enumerate("ab"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "Small.gguf").write_bytes(MODEL + bytes([number]))
        found = candidates("folder", tmp_path)
        assert [each.id for each in found] == ["small", "small-2"]
        first = tmp_path / "small.gguf"
        first.write_bytes(MODEL)
        registry.add(first, "small", link=True)
        assert [adopt(registry, each).id for each in found] == ["small-2", "small-2-2"]
        assert set(registry.models()) == {"small", "small-2", "small-2-2"}

    def test_a_linked_file_is_adopted_where_it_really_is(self, tmp_path: Path, registry: Registry) -> None:
        (tmp_path / "blob").write_bytes(MODEL)
        (tmp_path / "hub").mkdir()
        (tmp_path / "hub" / "model.gguf").symlink_to(tmp_path / "blob")
        (found,) = candidates("folder", tmp_path / "hub")
        assert adopt(registry, found).path == tmp_path / "blob"

    def test_a_link_that_leads_in_a_circle_keeps_no_other_model_away(self, tmp_path: Path, store: Store) -> None:
        place = tmp_path / "models"
        place.mkdir()
        (place / "a.gguf").symlink_to(place / "b.gguf")
        (place / "b.gguf").symlink_to(place / "a.gguf")
        (place / "good.gguf").write_bytes(MODEL)
        circle = "its link leads in a circle"
        assert problems(candidates("folder", place)) == {"a": circle, "b": circle, "good": ""}
        store.model("registry.ollama.ai/library/good/latest")
        digest = store.model("registry.ollama.ai/library/circle/latest", MODEL + b"2")
        blob = store.root / "blobs" / digest.replace(":", "-")
        blob.unlink()
        blob.symlink_to(blob)
        assert problems(candidates("ollama", store.root)) == {"circle": circle, "good": ""}

    @pytest.mark.parametrize("error", [ValueError("expected 5 bytes, found 4"), CannotStart("the list is damaged")])
    def test_one_that_fails_is_left_out_and_the_others_are_adopted(
        self, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        for number, name in enumerate(("a", "b", "c")):
            (tmp_path / f"{name}.gguf").write_bytes(MODEL + bytes([number]))

        def failing(registry: Registry, candidate: Candidate, on_progress: Any) -> LocalModel:
            if candidate.id == "b":
                raise error
            return adopt(registry, candidate, on_progress)

        monkeypatch.setattr(imports, "adopt", failing)
        hand = SimpleNamespace(models=SimpleNamespace(registry=registry))
        result = ModelChanges._adopted(cast(ModelChanges, hand), "folder", tmp_path, Progress())
        assert result["models"] == ["a", "c"]
        assert [(each["id"], each["problem"]) for each in result["skipped"]] == [("b", str(error))]

    def test_no_folder_is_said_plainly(self, tmp_path: Path) -> None:
        with pytest.raises(CannotStart, match="there is no folder"):
            candidates("folder", tmp_path / "nothing")
        with pytest.raises(InvalidField):
            candidates("folder")

    def test_a_great_many_files_are_not_all_listed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imports, "CANDIDATES_MAX", 5)
        for number in range(10):
            (tmp_path / f"{number}.gguf").write_bytes(MODEL)
        assert len(candidates("folder", tmp_path)) == 5
