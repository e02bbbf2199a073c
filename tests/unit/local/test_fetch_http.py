"""Models from mirrors and folders: whole and checked, or not at all; and whatever a server does, what has come is not lost."""

import asyncio
import fcntl
import hashlib
import os
import ssl
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.local.catalogue import CatalogueEntry
from appliance.local.fetch import FetchCancelled, FetchFailed, fetch, part_file
from appliance.local.kinds import ModelKind
from appliance.settings import Settings
from appliance.upstream.download import DownloadFailed, Patience, Wanted, download
from appliance.upstream.download_reach import DownloadReach
from tests.fakes.certificates import made_certificates
from tests.fakes.files import Answer, FileServer, file_server
from tests.unit.local import ggufs

MODEL = ggufs.honest() + bytes(range(256)) * 8_000  # two megabytes
SHA256 = hashlib.sha256(MODEL).hexdigest()
QUICK = Patience(connect_seconds_max=2, first_byte_seconds_max=0.5, between_bytes_seconds_max=0.5, again_seconds=0.01)
ENTRY = CatalogueEntry(
    id="toy",
    title="Toy",
    kind=ModelKind.CHAT,
    demonstration=False,
    licence="MIT",
    context=128,
    memory=10**7,
    good_for="tests",
    file="toy.gguf",
    sha256=SHA256,
    bytes=len(MODEL),
    huggingface="someone/toy-GGUF",
    revision="abc123",
)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as files:
        files.files["/toy.gguf"] = MODEL
        yield files


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def refused(models: Path, entry: CatalogueEntry = ENTRY, *, source: str | None, air_gap: bool = False) -> FetchFailed:
    with pytest.raises(FetchFailed) as refusal:
        fetch(entry, models, source=source, settings=Settings(air_gap=air_gap))
    assert refusal.value.fix
    assert not (models / entry.file).exists()
    return refusal.value


def came_by(models: Path, url: str, entry: CatalogueEntry = ENTRY, patience: Patience = QUICK) -> bytes:
    part = part_file(entry, models)
    wanted = Wanted(entry.sha256, entry.bytes, entry.bytes or 2 * entry.size, b"GGUF")
    asyncio.run(download(url, part, wanted, DownloadReach(url, Settings()), patience=patience))
    return part.read_bytes()


def failed_by(models: Path, url: str, entry: CatalogueEntry = ENTRY) -> DownloadFailed:
    with pytest.raises(DownloadFailed) as failure:
        came_by(models, url, entry)
    return failure.value


def test_a_model_comes_from_a_mirror_for_its_owner_alone_and_nothing_else_stays(models: Path, server: FileServer) -> None:
    said: list[tuple[int, int]] = []
    path = fetch(ENTRY, models, lambda done, total: said.append((done, total)), source=server.url)
    assert path.read_bytes() == MODEL
    assert list(models.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert said[-1] == (len(MODEL), len(MODEL))
    assert fetch(ENTRY, models, source=server.url) == path
    assert len(server.asked) == 1  # it was here and intact


def test_a_mirror_laid_out_like_the_hub_serves_as_well(models: Path, server: FileServer) -> None:
    server.files = {"/hub/someone/toy-GGUF/resolve/abc123/toy.gguf": MODEL}
    assert fetch(ENTRY, models, source=f"{server.url}/hub/").read_bytes() == MODEL
    assert refused(models, msgspec.structs.replace(ENTRY, file="other.gguf"), source=server.url).message == (
        "the server has no such file"
    )


@pytest.mark.parametrize("cut", [0, 1, 3, 1000, len(MODEL) // 2, len(MODEL) - 1])
def test_a_line_that_breaks_anywhere_is_taken_up_where_it_broke(models: Path, server: FileServer, cut: int) -> None:
    server.next = [Answer(cut=cut)]
    assert came_by(models, f"{server.url}/toy.gguf") == MODEL
    assert [asked.range for asked in server.asked] == ["", f"bytes={cut}-" if cut else ""]


def test_what_has_come_waits_for_the_next_time(models: Path, server: FileServer) -> None:
    half = len(MODEL) // 2
    part_file(ENTRY, models).write_bytes(MODEL[:half])
    fetch(ENTRY, models, source=server.url)
    assert server.asked[0].range == f"bytes={half}-"


def test_a_server_that_ignores_the_range_begins_anew(models: Path, server: FileServer) -> None:
    part_file(ENTRY, models).write_bytes(MODEL[:1000])
    server.next = [Answer(ignores_range=True)]
    assert came_by(models, f"{server.url}/toy.gguf") == MODEL


@pytest.mark.parametrize("answer", [Answer(range_start=5), Answer(status=416), Answer(status=503), Answer(status=429)])
def test_a_server_that_answers_nonsense_once_is_asked_again(models: Path, server: FileServer, answer: Answer) -> None:
    part_file(ENTRY, models).write_bytes(MODEL[:1000])
    server.next = [answer]
    assert came_by(models, f"{server.url}/toy.gguf") == MODEL


def test_what_came_before_and_is_spoilt_is_fetched_anew(models: Path, server: FileServer) -> None:
    part_file(ENTRY, models).write_bytes(MODEL[:1000] + bytes(1000))
    assert came_by(models, f"{server.url}/toy.gguf") == MODEL
    part_file(ENTRY, models).write_bytes(b"<html>")
    assert came_by(models, f"{server.url}/toy.gguf") == MODEL
    part_file(ENTRY, models).write_bytes(MODEL + b"more")
    assert came_by(models, f"{server.url}/toy.gguf") == MODEL


def test_a_whole_part_is_not_asked_for_again(models: Path, server: FileServer) -> None:
    for entry in (ENTRY, msgspec.structs.replace(ENTRY, bytes=0, bytes_about=len(MODEL))):
        part_file(entry, models).write_bytes(MODEL)
        assert came_by(models, f"{server.url}/toy.gguf", entry) == MODEL
    assert server.asked == []


def test_a_server_that_stalls_is_asked_again_for_the_rest(models: Path, server: FileServer) -> None:
    server.next = [Answer(stall=700_000)]
    assert came_by(models, f"{server.url}/toy.gguf") == MODEL
    assert server.asked[1].range == "bytes=700000-"


def test_a_server_that_never_gets_further_is_given_up_and_what_came_is_kept(models: Path, server: FileServer) -> None:
    server.next = [Answer(cut=100), *(Answer(cut=0) for _ in range(10))]
    assert failed_by(models, f"{server.url}/toy.gguf").why == "not_reachable"
    assert part_file(ENTRY, models).read_bytes() == MODEL[:100]
    assert len(server.asked) < 7


@pytest.mark.parametrize(
    "answer",
    [
        Answer(length=len(MODEL) + 1),
        Answer(length=10),
        Answer(body=MODEL[:-1]),
        Answer(body=MODEL + b"!"),
        Answer(body=MODEL + b"!", without_length=True),
        Answer(body=MODEL[:-1] + b"!"),
        Answer(body=b"<html>Please log in"),
        Answer(body=b"<html>Please log in", without_length=True),
    ],
    ids=["longer", "shorter", "one-less", "one-more", "one-more-unannounced", "changed", "login", "login-unannounced"],
)
def test_another_file_than_the_catalogues_is_refused_and_thrown_away(models: Path, server: FileServer, answer: Answer) -> None:
    server.next = [answer]
    assert failed_by(models, f"{server.url}/toy.gguf").why == "other_file"
    assert part_file(ENTRY, models).read_bytes() == b""


def test_a_model_of_unknown_size_is_bounded_all_the_same(models: Path, server: FileServer) -> None:
    entry = msgspec.structs.replace(ENTRY, bytes=0, bytes_about=len(MODEL) - 5000)
    assert came_by(models, f"{server.url}/toy.gguf", entry) == MODEL
    part_file(entry, models).unlink()
    for answer in (Answer(body=MODEL * 3), Answer(body=MODEL * 3, without_length=True)):
        server.next = [answer]
        assert failed_by(models, f"{server.url}/toy.gguf", entry).why == "other_file"


def test_a_server_that_ends_early_without_a_length_is_found_out(models: Path, server: FileServer) -> None:
    server.next = [Answer(cut=900_000, without_length=True)]
    assert came_by(models, f"{server.url}/toy.gguf") == MODEL


def test_redirects_are_followed_but_not_for_ever(models: Path, server: FileServer) -> None:
    server.next = [Answer(status=302, location=f"{server.url}/{number}") for number in range(4)]
    server.next.append(Answer(status=307, location="/toy.gguf"))
    assert fetch(ENTRY, models, source=server.url).read_bytes() == MODEL
    (models / ENTRY.file).unlink()
    server.next = [Answer(status=302, location="/toy.gguf") for _ in range(12)]
    assert "redirects more than 5 times" in refused(models, source=server.url).message


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("ftp://127.0.0.1/toy.gguf", "no http"),
        ("file:///etc/passwd", "no http"),
        ("http://169.254.169.254/latest", "not connected to"),
        ("http://0.0.0.0/", "not connected to"),
        ("http://8.8.8.8/toy.gguf", "only https"),
        ("http://192.168.7.7/toy.gguf", "without https"),
        ("http://user:secret@127.0.0.1/", "user name"),
        ("http://[::1", "no http"),
        ("", "redirects more than"),
    ],
)
def test_a_redirect_leads_only_where_it_may(models: Path, server: FileServer, location: str, words: str) -> None:
    server.next = [Answer(status=302, location=location) for _ in range(12)]
    assert words in refused(models, source=server.url).message


def test_credentials_that_are_wanted_are_said_plainly(models: Path, server: FileServer) -> None:
    server.next = [Answer(status=401)]
    assert "wants credentials" in refused(models, source=server.url).message


def test_nobody_listening_is_said_plainly(models: Path, free_port: int) -> None:
    error = refused(models, source=f"http://127.0.0.1:{free_port}")
    assert "could not be reached" in error.message
    assert "goes on where it stopped" in error.fix
    assert list(models.iterdir()) == []


def test_a_full_disk_is_said_before_anything_is_written(models: Path, server: FileServer) -> None:
    huge = msgspec.structs.replace(ENTRY, bytes=0, bytes_about=10**18)
    server.next = [Answer(length=10**17)]
    assert "no room" in refused(models, huge, source=server.url).message


def test_two_at_once_do_not_write_into_each_others_file(models: Path, server: FileServer) -> None:
    with part_file(ENTRY, models).open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert "another process" in refused(models, source=server.url).message
    assert fetch(ENTRY, models, source=server.url).exists()


def test_a_link_in_the_parts_place_is_not_written_through(models: Path, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    part_file(ENTRY, models).symlink_to(tmp_path / "precious")
    assert "can't be stored" in refused(models, source=server.url).message
    assert (tmp_path / "precious").read_text() == "mine"


def test_who_cancels_waits_no_longer_than_a_moment_and_loses_nothing(models: Path, server: FileServer) -> None:
    server.next = [Answer(stall=500_000)]
    stop = threading.Event()

    def on_progress(done: int, total: int) -> None:
        stop.set()

    with pytest.raises(FetchCancelled):
        fetch(ENTRY, models, on_progress, source=server.url, is_cancelled=stop.is_set)
    assert 0 < part_file(ENTRY, models).stat().st_size <= 500_000
    assert fetch(ENTRY, models, source=server.url).read_bytes() == MODEL


def test_a_mirror_with_a_certificate_of_the_sites_own_authority_is_believed_where_that_is_named(
    models: Path, tmp_path: Path
) -> None:
    certificates = made_certificates(tmp_path, "127.0.0.1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    with file_server(tls) as files:
        files.files["/toy.gguf"] = MODEL
        error = refused(models, source=files.url)
        assert "not trusted here" in error.message
        assert "upstream_ca_file" in error.fix
        settings = Settings(upstream_ca_file=str(certificates.authority))
        assert fetch(ENTRY, models, source=files.url, settings=settings).read_bytes() == MODEL


class TestAirGap:
    def test_the_internet_is_refused_without_asking_it(self, models: Path) -> None:
        error = refused(models, source=None, air_gap=True)
        assert "air_gap is on" in error.message
        assert error.fix == "Bring the file on a USB stick: gatehouse models get toy --from FOLDER"
        assert "air_gap is on" in refused(models, source="https://8.8.8.8/models", air_gap=True).message

    def test_a_mirror_of_the_site_and_a_folder_still_serve(self, models: Path, server: FileServer, tmp_path: Path) -> None:
        assert fetch(ENTRY, models, source=server.url, settings=Settings(air_gap=True)).exists()
        (models / ENTRY.file).unlink()
        (tmp_path / "toy.gguf").write_bytes(MODEL)
        assert fetch(ENTRY, models, source=str(tmp_path), settings=Settings(air_gap=True)).exists()

    def test_a_mirror_outside_the_networks_that_are_listed_is_refused(self, models: Path) -> None:
        narrow = Settings(air_gap=True, air_gap_networks=["10.1.0.0/16"])
        with pytest.raises(FetchFailed, match="air_gap is on"):
            fetch(ENTRY, models, source="http://10.2.0.1/models", settings=narrow)

    def test_a_mirror_can_not_lead_out_of_the_site(self, models: Path, server: FileServer) -> None:
        server.next = [Answer(status=302, location="https://8.8.8.8/toy.gguf")]
        assert "air_gap is on" in refused(models, source=server.url, air_gap=True).message


class TestFolder:
    @pytest.mark.parametrize("name", ["toy.gguf", "TOY.GGUF", SHA256, f"sha256-{SHA256}", "deep/in/it/renamed.gguf"])
    def test_a_file_is_found_by_its_name_its_hash_or_its_size(self, models: Path, tmp_path: Path, name: str) -> None:
        stick = tmp_path / "stick"
        (stick / name).parent.mkdir(parents=True)
        (stick / "decoy.gguf").write_bytes(MODEL[:-1] + b"!")
        (stick / name).write_bytes(MODEL)
        assert fetch(ENTRY, models, source=str(stick)).read_bytes() == MODEL
        assert [path.name for path in models.iterdir()] == ["toy.gguf"]

    def test_the_file_itself_may_be_named(self, models: Path, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(MODEL)
        assert fetch(ENTRY, models, source=str(tmp_path / "x")).read_bytes() == MODEL

    def test_what_is_not_there_or_another_file_is_said_plainly(self, models: Path, tmp_path: Path) -> None:
        stick = tmp_path / "stick"
        assert "there is no folder" in refused(models, source=str(stick)).message
        stick.mkdir()
        assert "it has no toy.gguf" in refused(models, source=str(stick)).message
        (stick / "toy.gguf").write_bytes(MODEL[:-1])
        assert "sha256 differ" in refused(models, source=str(stick)).message
        assert list(models.iterdir()) == []

    def test_a_copy_is_stopped_by_whoever_cancels(self, models: Path, tmp_path: Path) -> None:
        (tmp_path / "toy.gguf").write_bytes(MODEL)
        with pytest.raises(FetchCancelled):
            fetch(ENTRY, models, source=str(tmp_path), is_cancelled=lambda: True)
        assert list(models.iterdir()) == []


def test_what_a_crash_left_behind_is_removed_once_it_is_old(models: Path, server: FileServer) -> None:
    old, young = models / ".big.gguf.0123abcd.part", models / ".big.gguf.4567abcd.part"
    for path in (old, young):
        path.write_bytes(b"GGUF")
    os.utime(old, (1, 1))
    kept = models / f".{'a' * 64}.part"
    kept.write_bytes(b"GGUF")
    os.utime(kept, (1, 1))
    fetch(ENTRY, models, source=server.url)
    assert sorted(path.name for path in models.iterdir()) == sorted([young.name, kept.name, "toy.gguf"])
