"""The Guardrails page before a stand-in: screens that a real appliance shows seldom."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from gui.pages.guardrails import GuardrailsPage
from gui.policy_dialog import PolicyDialog
from gui.window import WANTED, Window
from tests.gui.conftest import MakeService
from tests.gui.guardrails_stand_in import StandIn, assignment, own
from tests.gui.screens import cells, opener, pictures

WAIT_MS = 15_000
EMAILS = {"types": ["EMAIL"], "input": "tokenise", "output": "mask", "answers_to": "GDPR article 4(5)",
          "must_catch": ["Write to asha@example.com"], "must_pass": ["What is the capital of France?"]}  # fmt: skip
SECRETS = {"types": ["SECRETS", "ATTACKS"], "input": "block", "output": "block"}
SALES = own("sales", EMAILS, SECRETS, title="For Sales", custom=[{"name": "PROJECT", "regex": "PRJ-[0-9]{4}"}],
            not_found_here=["opinions told in free words"])  # fmt: skip
SOME = {
    "policies": [SALES, own("spare", EMAILS)],
    "assignments": [
        assignment("all", "gdpr"),
        assignment("trial", "strict", mode="shadow"),
        assignment("sales", "sales", "department", "dpt_sales", name="Sales"),
        assignment("asha", "sales", "user", "user_asha", "replace", "Asha Rao"),
        assignment("fast", "hipaa", "route", "fast", "shadow", "fast"),
    ],
}
MakeStandIn = Callable[..., StandIn]


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
def window(qtbot: QtBot, home: Path, service: MakeService) -> Callable[[], Window]:
    """The app's window at its Guardrails page. The stand-in stands for the gateway from before."""
    return opener(qtbot, service, home, "Guardrails", WANTED)


def told(qtbot: QtBot, window: Window) -> GuardrailsPage:
    page = window.guardrails
    assert page is not None
    known = page.watch.guardrails
    qtbot.waitUntil(lambda: known.told and bool(known.default) and page.parts.isVisible(), timeout=WAIT_MS)
    return page


def dialog_of(owner: Any, kind: type[QDialog]) -> Any:
    assert isinstance(owner.dialog, kind), owner.dialog
    return owner.dialog


def opened(page: GuardrailsPage, name: str) -> PolicyDialog:
    page.policies.view.choose(name)
    page.policies.view.opened.emit()
    found: PolicyDialog = dialog_of(page, PolicyDialog)
    return found


def test_the_page_shows_each_policy_for_whom_it_is_and_what_holds_for_everyone(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in(**SOME)
    shown = window()
    page = told(qtbot, shown)
    view = page.policies.view
    pictures(shown, screenshots, "guardrails_some")
    assert cells(view, 0)[0] == "gdpr"
    page.head.tabs[1].click()
    pictures(shown, screenshots, "guardrails_assigned")
    page.head.tabs[2].click()
    page.trial.text.setPlainText("😀 Write to asha@example.com, her SSN is 123-45-6789")
    qtbot.waitUntil(lambda: page.trial.findings.table.rowCount() == 2, timeout=WAIT_MS)
    pictures(shown, screenshots, "guardrails_try")
    shown.resize(640, 480)
    for place in range(3):
        page.head.tabs[place].click()
        QTest.qWait(50)
        pictures(shown, screenshots, f"guardrails_small_{place}")
    page.head.tabs[0].click()
    for name in ("gdpr", "sales"):
        dialog = opened(page, name)
        for part in dialog.parts.tabs:
            dialog.parts.show_part(part)
            QTest.qWait(100)
            pictures(dialog, screenshots, f"guardrails_{name}_{part}")
        dialog.reject()
