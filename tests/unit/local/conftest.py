"""A home with the demonstration model, and one with a model that makes embeddings."""

import shutil
from pathlib import Path

import pytest

from appliance.home import Home
from tests.unit.local import ggufs


def link(source: Path, target: Path) -> None:
    """The file once more, without its 98 MB where the disk allows it."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


@pytest.fixture(scope="session")
def embedding_file(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration model with a pooling in its header: poor embeddings, but real ones."""
    target = tmp_path_factory.mktemp("models") / "embedder.gguf"
    return ggufs.with_value(model_file, target, "llama.pooling_type", 1)


@pytest.fixture(scope="module")
def model_home(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose models folder holds the demonstration model."""
    home = Home(tmp_path_factory.mktemp("home") / "home").make()
    link(model_file, home.models / model_file.name)
    return home
