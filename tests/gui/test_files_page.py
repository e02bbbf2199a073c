"""The Files page before a stand-in: screens that a real appliance shows seldom."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QSpinBox, QTableView
from pytestqt.qtbot import QtBot

from gui.files_saving import Saving
from gui.pages.files import FilesPage
from gui.window import WANTED, Window
from tests.gui.conftest import MakeService
from tests.gui.files_stand_in import PAGE, SCAN, StandIn, finding, verdict
from tests.gui.screens import cells, opener, pictures

WAIT_MS = 40_000
NARROW = QSize(720, 480)
MakeStandIn = Callable[..., StandIn]
LETTER = verdict(
    "letter.pdf", "blocked",
    finding("SECRET_AWS", action="block", top=0.1), finding("EMAIL", action="tokenise", top=0.2),
    finding("US_SSN", page=2), finding("HIDDEN_TEXT", action="flag", top=0.4, hidden="white on white"),
    finding("PERSON", page=0, part="metadata", name="Author"),
    pages=3, engine="tesseract 5.3.0 (eng)", warnings=["JAVASCRIPT"],
)  # fmt: skip


@pytest.fixture
def stand_in(home: Path) -> Iterator[MakeStandIn]:
    made: list[StandIn] = []

    def make(**how: Any) -> StandIn:
        made.append(StandIn(home, **how))
        return made[0]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def window(qtbot: QtBot, home: Path, service: MakeService) -> Callable[..., Window]:
    def make(size: QSize = WANTED) -> Window:
        return opener(qtbot, service, home, "Files", size)()

    return make


def told(qtbot: QtBot, window: Window) -> FilesPage:
    page = window.files
    assert page is not None
    qtbot.waitUntil(lambda: page.watch.is_there, timeout=WAIT_MS)
    return page


def files(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_bytes(b"x" * 5_000)
    return [folder / name for name in names]


def over(qtbot: QtBot, page: FilesPage) -> None:
    qtbot.waitUntil(lambda: page.watch.files.count("done", "failed") == len(page.watch.files.items), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not page._soon.isActive(), timeout=WAIT_MS)


def test_a_verdict_its_findings_and_their_page_in_both_themes_and_a_narrow_window(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path, screenshots: Path
) -> None:
    stand_in(told={"letter.pdf": LETTER})
    page = told(qtbot, shown := window())
    page.add(files(tmp_path, "letter.pdf", "list.txt"))
    over(qtbot, page)
    qtbot.waitUntil(lambda: not page.leaf.picture.is_empty, timeout=WAIT_MS)
    page.findings.choose("1")
    pictures(shown, screenshots, "files")
    assert page.card.headline.text() == "The policy stops it: 5 findings"
    assert "It carries JavaScript" in page.card.more.text() and "tesseract" in page.card.judged.text()
    assert cells(page.findings, 2) == ["Stopped", "Hidden", "Masked", "Noted", "Masked"]
    shown.resize(NARROW)
    QTest.qWait(100)
    shown.grab().save(str(screenshots / "files_narrow.png"))
    assert page.leaf.picture.width() <= page.leaf.area.viewport().width()
    page.findings.choose("4")  # belongs to no page: the one that is seen stays
    assert page.leaf.leaf.page == 1


def test_everything_has_a_name_and_can_be_reached_by_the_keyboard(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path
) -> None:
    stand_in(told={"letter.pdf": LETTER})
    page = told(qtbot, window())
    page.add(files(tmp_path, "letter.pdf"))
    over(qtbot, page)
    parts = [one for kind in (QAbstractButton, QLineEdit, QTableView, QSpinBox) for one in page.findChildren(kind)]
    own = [one for one in parts if one.isVisible() and "qt_" not in one.objectName() and one.objectName() != ""]
    assert len(own) >= 8
    assert [one for one in own if not (one.accessibleName() or getattr(one, "text", str)())] == []
    assert page.card.accessibleName().startswith("letter.pdf: The policy stops it: 5 findings.")
    assert page.leaf.area.accessibleName() == "Page 1 of 3 of letter.pdf, 3 findings marked on it"
    assert all(label.textFormat().name == "PlainText" for label in page.findChildren(QLabel))


def test_a_hundred_files_are_sent_two_at_a_time_and_how_far_it_is_is_told(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path, screenshots: Path
) -> None:
    gateway = stand_in()
    page = told(qtbot, window())
    gateway.be_slow(True)
    page.add(files(tmp_path, *(f"file {number:03}.pdf" for number in range(100))))
    qtbot.waitUntil(lambda: page.watch.files.count("reading") == 2 and not page._soon.isActive(), timeout=WAIT_MS)
    assert page.watch.files.count("waiting") == 98 and page.head.told.text() == "0 of 100 files are read"
    assert cells(page.files, 1)[:3] == ["Reading…", "Reading…", "Waiting"]
    assert not page.head.save_all.isEnabled()
    page.window().grab().save(str(screenshots / "files_hundred.png"))
    gateway.be_slow(False)
    over(qtbot, page)
    assert page.head.told.text() == "100 clean" and page.head.save_all.isEnabled()


def test_two_thousand_findings_are_listed_without_a_pause(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path
) -> None:
    many = [finding(page=number // 4 + 1, top=0.2 * (number % 4)) for number in range(2_000)]
    stand_in(told={"book.pdf": verdict("book.pdf", "flagged", *many, pages=500, findings_left_out=7)})
    page = told(qtbot, window())
    page.add(files(tmp_path, "book.pdf"))
    over(qtbot, page)
    began = time.process_time()
    for number in range(0, 2_000, 100):
        page.findings.choose(str(number))
        page.refresh()
    assert time.process_time() - began < 2.0
    assert page.findings.table.rowCount() == 2_000 and page.card.headline.text() == "2,007 findings in it"
    assert "7 more are not listed" in page.card.more.text()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, {"error": {"message": "this key may not use files", "fix": "Ask for a key with that scope."}}, "may not use files"),
        (404, "not here", "This version of the gateway can't do that. Update the gateway."),
        (500, {"error": {"message": "it broke", "fix": "Look at the log."}}, "It broke. Look at the log."),
        (200, "no JSON", "sent an answer that can't be read"),
        (200, {"files": [], "policy": "x@1"}, "sent an answer that can't be read"),
        (200, {"files": [{"verdict": "clean", "pages": -1}]}, "sent an answer that can't be read"),
    ],
)
def test_a_refusal_is_told_and_the_files_can_be_sent_again(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path, status: int, body: Any, said: str
) -> None:
    gateway = stand_in()
    gateway.answer("POST", SCAN, status, body)
    page = told(qtbot, window())
    page.add(files(tmp_path, *"abcdef"))
    over(qtbot, page)
    assert cells(page.files, 1) == ["Not looked into"] * 6 and said in page.card.more.text()
    if status in (403, 404):  # so it is for all: those that waited weren't sent
        assert len(gateway.calls) <= 4
    gateway.answer_as_ever("POST", SCAN)
    page.head.again.click()
    over(qtbot, page)
    assert cells(page.files, 1) == ["Nothing found"] * 6 and not page.head.again.isVisible()


def test_a_gateway_that_goes_leaves_what_is_known_and_the_rest_goes_on_with_the_next(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path, home: Path, screenshots: Path
) -> None:
    gateway = stand_in(told={"a": verdict("a", "flagged", finding())})
    page = told(qtbot, window())
    page.add(files(tmp_path, "a"))
    over(qtbot, page)
    gateway.be_slow(True)
    page.add(files(tmp_path, *"bcdef"))
    qtbot.waitUntil(lambda: page.watch.files.count("reading") == 2, timeout=WAIT_MS)
    gateway.close()
    qtbot.waitUntil(lambda: not page.watch.is_there, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.watch.files.count("reading", "sending") == 0, timeout=WAIT_MS)
    assert page.watch.files.count("done") == 1 and page.watch.files.count("waiting") == 5 and page.stale.isVisible()
    assert page.stale.text().startswith("The gateway is stopped.")
    page.window().grab().save(str(screenshots / "files_gone.png"))
    gateway.control.unlink()
    gateway.control.parent.rmdir()
    after = StandIn(home)
    qtbot.waitUntil(lambda: page.watch.is_there, timeout=WAIT_MS)
    over(qtbot, page)
    assert cells(page.files, 1) == ["Something found", *["Nothing found"] * 5]
    after.close()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            400,
            {"error": {"message": "the PDF has no such page", "fix": "Save it anew."}},
            "The PDF has no such page. Save it anew.",
        ),
        (200, "<html>no picture", "Its picture can't be read."),
        (404, "", "This version of the gateway can't do that."),
    ],
)
def test_a_page_that_cant_be_shown_says_why_and_the_next_one_can_be(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path, status: int, body: Any, said: str
) -> None:
    gateway = stand_in(told={"a.pdf": verdict("a.pdf", "flagged", finding(), pages=2)})
    for width in (800, 1600):
        gateway.answer("POST", f"{PAGE}?page=1&width={width}", status, body)
    page = told(qtbot, window())
    page.add(files(tmp_path, "a.pdf"))
    qtbot.waitUntil(lambda: said in page.leaf.note.text(), timeout=WAIT_MS)
    assert page.leaf.note.isVisible() and page.leaf.bar.isVisible()
    page.leaf.forth.click()
    qtbot.waitUntil(lambda: not page.leaf.picture.is_empty, timeout=WAIT_MS)
    assert page.leaf.area.isVisible() and not page.leaf.note.isVisible()
    page.leaf.back.click()
    qtbot.waitUntil(page.leaf.note.isVisible, timeout=WAIT_MS)


def test_values_that_may_not_be_seen_are_refused_and_the_verdict_stays(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path
) -> None:
    gateway = stand_in(told={"a.pdf": verdict("a.pdf", "flagged", finding())})
    gateway.answer("POST", f"{SCAN}?include_values=true", 403, {"error": {"message": "not for you", "fix": "Ask an owner."}})
    page = told(qtbot, window())
    page.add(files(tmp_path, "a.pdf"))
    over(qtbot, page)
    page.card.values.click()
    qtbot.waitUntil(lambda: "Not for you" in page.card.more.text(), timeout=WAIT_MS)
    assert not page.card.values.isChecked() and page.card.headline.text() == "1 finding in it"


def test_a_file_is_taken_out_while_it_is_read_and_nothing_more_is_said_of_it(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path
) -> None:
    gateway = stand_in()
    page = told(qtbot, window())
    gateway.be_slow(True)
    page.add(files(tmp_path, *"abc"))
    qtbot.waitUntil(lambda: page.watch.files.count("reading") == 2, timeout=WAIT_MS)
    page.head.remove.click()
    qtbot.waitUntil(lambda: page.watch.files.count("reading") == 2, timeout=WAIT_MS)
    page.head.clear.click()
    assert page.watch.files.items == [] and page.empty.isVisible()
    gateway.be_slow(False)
    QTest.qWait(200)
    assert page.watch.files.items == []


def test_what_cannot_be_saved_says_why_and_leaves_nothing_behind(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[..., Window], tmp_path: Path
) -> None:
    gateway = stand_in()
    page = told(qtbot, window())
    page.add(files(tmp_path, "a.pdf", "b.pdf"))
    over(qtbot, page)
    gateway.answer("POST", f"{SCAN}?redact=true", 400, {"error": {"message": "it is encrypted", "fix": "Send its password."}})
    page.save_to(Saving(page.watch, page.watch.files.savable, tmp_path / "all.zip", is_zip=True))
    qtbot.waitUntil(lambda: page.saving is None, timeout=WAIT_MS)
    assert "a.pdf: It is encrypted. Send its password." in page.problem.text()
    page.save_to(Saving(page.watch, page.watch.files.savable, tmp_path / "no" / "such", is_folder=True))
    qtbot.waitUntil(lambda: page.saving is None, timeout=WAIT_MS)
    assert "Not saved" in page.problem.text()
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_file()) == ["a.pdf", "b.pdf"]
