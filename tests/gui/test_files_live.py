"""The Files page before the shipped program: files looked into, shown with their findings, and saved without them."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
from PIL import Image, ImageDraw
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.files_saving import Saving
from gui.pages.files import FilesPage
from gui.window import WANTED
from tests.conftest import MakeAppliance
from tests.gui.conftest import MakeService
from tests.gui.screens import cell, cells, opener, pictures
from tests.running import Appliance, Fake
from tests.unit.files.pdf_files import Pdf, shown

WAIT_MS = 60_000
LONG = "broken.part of what the Ministry of extraordinarily long names and its departments sent on 2026-11-27 (final 3).pdf"
SSN, EMAIL, SECRET = "123-45-6789", "asha.verma@mail.example.in", "AKIAQ3EGUZ7XK4WLMN2P"


PROSE = [
    "as agreed on the telephone I send you what you need for the claim of last month.",
    "The roof was repaired within the week, and the invoice is on the next page. The",
    "neighbours' fence is not part of it. Both photographs were taken on the same day,",
    "before the rain began. You have the older papers already.",
]


@pytest.fixture(scope="module")
def running(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")], "guardrail_policy": "default"})


@pytest.fixture
def page(qtbot: QtBot, running: Appliance, service: MakeService) -> FilesPage:
    window = opener(qtbot, service, running.home, "Files", WANTED)()
    found = window.files
    assert found is not None
    found.kept_window = window  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: found.watch.is_there, timeout=WAIT_MS)
    return found


def letter(pages: int = 3) -> bytes:
    made = Pdf()
    said = [
        "Dear Sir or Madam,",
        *PROSE,
        f"My number is {SSN}. If anything is missing, please write to me.",
        *PROSE,
        "Yours sincerely,",
    ]
    made.page(b"".join(shown(line, y=730 - 22 * number, size=11) for number, line in enumerate(said)))
    for number in range(2, pages + 1):
        made.page(shown(f"Page {number}: write to {EMAIL}", y=700 - number % 50) + shown(f"once more {SSN}", y=200, x=300))
    return made.data()


def locked(data: bytes) -> bytes:
    writer, file = pypdf.PdfWriter(clone_from=io.BytesIO(data)), io.BytesIO()
    writer.encrypt("heron", algorithm="AES-256")
    writer.write(file)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inbox"
    made.mkdir()
    photo = Image.new("RGB", (600, 300), "white")
    ImageDraw.Draw(photo).rectangle((10, 10, 50, 50), fill="black")
    photo.save(made / "photo.png")
    (made / "letter to the insurance.pdf").write_bytes(letter())
    (made / "clean.txt").write_text("Nothing stands in here.")
    (made / "keys.txt").write_text(f"The key is {SECRET}, and my SSN {SSN}.")
    (made / "locked.pdf").write_bytes(locked(letter(1)))
    (made / LONG).write_bytes(b"%PDF-1.7 nonsense")
    (made / "empty.csv").write_bytes(b"")
    return made


def over(qtbot: QtBot, page: FilesPage, count: int) -> None:
    qtbot.waitUntil(lambda: page.watch.files.count("done", "failed") == count, timeout=WAIT_MS)


def choose(page: FilesPage, name: str) -> None:
    found = next(one for one in page.watch.files.items if one.name.startswith(name))
    page.files.choose(found.id)


def verdicts(page: FilesPage) -> dict[str, str]:
    return dict(zip(cells(page.files, 0), cells(page.files, 1), strict=True))


def seen(qtbot: QtBot, page: FilesPage) -> None:
    qtbot.waitUntil(lambda: not page.leaf.picture.is_empty, timeout=WAIT_MS)


def test_a_dropped_folder_is_read_each_file_told_and_findings_stand_on_their_pages(
    qtbot: QtBot, page: FilesPage, folder: Path, screenshots: Path
) -> None:
    pictures(page.window(), screenshots, "files_empty")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder)), QUrl("https://elsewhere.example.com/a.pdf")])
    copies, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    page.dropEvent(QDropEvent(QPointF(9, 9), copies, data, left, none))
    assert len(page.watch.files.items) == 7
    page.window().grab().save(str(screenshots / "files_reading.png"))
    over(qtbot, page, 7)
    told = {name[:8]: verdict for name, verdict in verdicts(page).items()}
    assert told == {
        "letter t": "Something found", "broken.p": "Can't be read", "clean.tx": "Nothing found", "empty.cs": "Can't be read",
        "keys.txt": "Stopped", "locked.p": "Can't be read", "photo.pn": "Nothing found",
    }  # fmt: skip
    choose(page, "letter")
    seen(qtbot, page)
    pictures(page.window(), screenshots, "files_letter")
    assert cells(page.findings, 1) == ["Page 1", "Page 2", "Page 2", "Page 3", "Page 3"]
    assert not any(SSN in text or EMAIL in text for column in range(3) for text in cells(page.findings, column))
    page.findings.choose("3")
    assert page.leaf.leaf.page == 3 and page.leaf.area.accessibleName().startswith("Page 3 of 3")
    seen(qtbot, page)
    box = page.leaf.picture.box_of(3)
    assert box is not None
    page.findings.choose("0")
    page.leaf._go_to(3)
    QTest.mouseClick(page.leaf.picture, Qt.MouseButton.LeftButton, pos=box.center().toPoint())
    assert page.findings.chosen_id == "3"
    for name in ("broken", "empty", "keys", "locked", "photo", "clean"):
        choose(page, name)
        if name == "photo":
            seen(qtbot, page)
        page.window().grab().save(str(screenshots / f"files_{name}.png"))


def test_an_encrypted_file_opens_with_its_password(qtbot: QtBot, page: FilesPage, folder: Path, screenshots: Path) -> None:
    page.add([folder / "locked.pdf"])
    over(qtbot, page, 1)
    assert page.card.password.isVisible() and not page.head.save.isEnabled()
    assert "Type its password below" in page.card.more.text()
    page.card.password.setText("wrong")
    QTest.keyClick(page.card.password, Qt.Key.Key_Return)
    over(qtbot, page, 1)
    assert "That password doesn't open it" in page.card.more.text() and page.card.password.text() == ""
    page.window().grab().save(str(screenshots / "files_wrong_password.png"))
    page.card.password.setText("heron")
    page.card.open.click()
    over(qtbot, page, 1)
    seen(qtbot, page)
    assert verdicts(page) == {"locked.pdf": "Something found"} and not page.card.password.isVisible()


def test_values_are_shown_when_they_are_asked_for_and_forgotten_when_not(
    qtbot: QtBot, page: FilesPage, folder: Path, screenshots: Path
) -> None:
    page.add([folder / "keys.txt"])
    over(qtbot, page, 1)
    page.card.values.click()
    qtbot.waitUntil(lambda: any(one.value == SSN for one in page.chosen.told.findings), timeout=WAIT_MS)
    page.window().grab().save(str(screenshots / "files_values.png"))
    page.card.values.click()
    assert all(one.value is None for one in page.chosen.told.findings)


def test_redacted_versions_are_saved_as_a_file_into_a_folder_and_as_a_zip(
    qtbot: QtBot, page: FilesPage, folder: Path, tmp_path: Path, screenshots: Path
) -> None:
    page.add([folder])
    over(qtbot, page, 7)
    choose(page, "keys")
    target, out, archive = tmp_path / "one.txt", tmp_path / "out", tmp_path / "all.zip"
    target.write_text("was here, and the person said that it may go")
    out.mkdir()
    (out / "keys-redacted.txt").write_text("mine")

    def saved(saving: Callable[[], Saving]) -> None:
        page.save_to(saving())
        qtbot.waitUntil(lambda: page.saving is None, timeout=WAIT_MS)

    saved(lambda: Saving(page.watch, [page.chosen], target))
    assert target.read_text() == "The key is [SECRET_AWS], and my SSN [US_SSN]."
    assert page.done.text().startswith("Saved as ")
    savable = page.watch.files.savable
    assert [one.name[:5] for one in savable] == ["clean", "keys.", "lette", "photo"]
    saved(lambda: Saving(page.watch, savable, out, is_folder=True))
    names = sorted(one.name for one in out.iterdir())
    assert len(names) == 5 and (out / "keys-redacted.txt").read_text() == "mine"
    assert "[US_SSN]" in (out / "keys-redacted (2).txt").read_text()
    assert SSN not in "".join(one.extract_text() for one in pypdf.PdfReader(next(out.glob("letter*"))).pages)
    saved(lambda: Saving(page.watch, savable, archive, is_zip=True))
    assert len(zipfile.ZipFile(archive).namelist()) == 4
    problem = page.problem.text().replace("\u200b", "")
    assert "no redacted version of broken.part" in problem and "empty.csv, locked.pdf" in problem
    page.window().grab().save(str(screenshots / "files_saved.png"))
    assert [one.name for one in tmp_path.rglob(".*")] == []
    assert cell(page.files, page.files.chosen_id, 1) == "Stopped"


def test_of_many_pages_those_alone_are_asked_for_that_are_seen(
    qtbot: QtBot, page: FilesPage, tmp_path: Path, screenshots: Path
) -> None:
    (tmp_path / "book.pdf").write_bytes(letter(300))
    page.add([tmp_path / "book.pdf"])
    over(qtbot, page, 1)
    assert page.findings.table.rowCount() == 599
    asked: list[int] = []
    page.watch.drawn.connect(lambda _, number, __, ___: asked.append(number))
    seen(qtbot, page)
    page.findings.choose("598")
    qtbot.waitUntil(lambda: 300 in asked, timeout=WAIT_MS)
    assert set(asked) <= {1, 300}
    page.leaf.area.setFocus()
    QTest.keyClick(page.leaf.area, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: 299 in asked, timeout=WAIT_MS)
    QTest.keyClick(page.leaf.area, Qt.Key.Key_Plus)
    assert page.leaf.leaf.zoom == 1.25
    page.window().grab().save(str(screenshots / "files_book.png"))


def test_a_file_that_is_gone_or_too_large_says_so(qtbot: QtBot, page: FilesPage, tmp_path: Path) -> None:
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(70 * 1024 * 1024)
    page.add([huge, tmp_path / "gone.pdf"])
    over(qtbot, page, 2)
    told = [one.problem.message for one in page.watch.files.items]
    assert "larger than" in told[0] or "ended the call before" in told[0]
    assert told[1] == "the file can't be opened"
    assert page.head.again.isVisible()
    (tmp_path / "gone.pdf").write_bytes(letter(1))
    huge.write_text("fine")
    page.head.again.click()
    over(qtbot, page, 2)
    assert sorted(verdicts(page).values()) == ["Nothing found", "Something found"]
