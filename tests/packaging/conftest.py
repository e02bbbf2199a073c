"""One bundle for all tests of a session, whichever process runs them; and a key that is not its signer's."""

import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.packaging.bundles import Site, build, unpack
from tests.running import NetworkNamespace, file_lock


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, model_file: Path, worker_id: str) -> Path:
    """The bundle, unpacked. Not to be changed: `site` makes copies."""
    if not sys.platform.startswith("linux"):
        pytest.skip("installs into a network namespace: Linux")
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    folder = shared / "bundle"
    with file_lock(shared / "bundle.lock"):
        if not (folder / "unpacked").exists():
            made = build(folder, model_file.parent)
            (folder / "unpacking").mkdir()
            unpack(made, folder / "unpacking")
            made.unlink()
            (folder / "unpacking").rename(folder / "unpacked")
    (unpacked,) = (folder / "unpacked").iterdir()
    return unpacked


@pytest.fixture
def site(bundle: Path, tmp_path: Path, namespace: NetworkNamespace) -> Site:
    return Site(tmp_path, bundle, namespace)


@pytest.fixture(scope="session")
def strange_key() -> Ed25519PrivateKey:
    """Of somebody else than the publisher."""
    return Ed25519PrivateKey.generate()
