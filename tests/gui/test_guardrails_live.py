"""The Guardrails page before the real appliance, which runs as a process of its own, with a fake of OpenAI's API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog
from pytestqt.qtbot import QtBot

from gui.assignment_dialog import AssignmentDialog
from gui.confirm_dialog import ConfirmDialog
from gui.desktop import Desktop
from gui.expression_dialog import ExpressionDialog
from gui.pages.guardrails import GuardrailsPage
from gui.policy_dialog import PolicyDialog
from gui.rule_dialog import RuleDialog
from gui.window import PAGES, WANTED
from tests.conftest import MakeAppliance
from tests.gui.conftest import MakeService
from tests.gui.screens import cell, cells
from tests.gui.test_window import app, owned
from tests.running import Answer, Appliance, Fake

WAIT_MS = 30_000
EMAIL = "asha.verma@mail.example.in"


@pytest.fixture
def running(appliance: MakeAppliance, upstream: Fake) -> Appliance:
    return owned(appliance(settings={"providers": [upstream.provider("fake")], "guardrail_policy": "default"}))


@pytest.fixture
def page(qtbot: QtBot, running: Appliance, service: MakeService) -> Iterator[GuardrailsPage]:
    desktop = Desktop(app(), service(running.home), tray=False)
    qtbot.addWidget(desktop.window)
    desktop.window.resize(WANTED)
    desktop.window.show()
    desktop.window.nav.setCurrentRow(PAGES.index("Guardrails"))
    made = desktop.window.guardrails
    assert made is not None
    qtbot.waitUntil(lambda: made.watch.guardrails.told and made.parts.isVisible(), timeout=WAIT_MS)
    yield made
    desktop.window.hide()  # also keeps it from the collector until here


def dialog_of(owner: Any, kind: type[QDialog]) -> Any:
    assert isinstance(owner.dialog, kind), owner.dialog
    return owner.dialog


def combo_to(part: QComboBox, value: Any) -> None:
    place = part.findData(value)
    assert place >= 0, value
    part.setCurrentIndex(place)


def opened(page: GuardrailsPage, name: str) -> Any:
    page.policies.view.choose(name)
    page.policies.view.opened.emit()
    return dialog_of(page, PolicyDialog)


def admin(running: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return running.call(method, f"/api/v1/admin/{path}", body, token=running.owner_token)


def sent_on(running: Appliance, upstream: Fake, text: str) -> str:
    """What a provider gets of it."""
    chat = {"model": "fake/gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    assert running.call("POST", "/v1/chat/completions", chat, token=running.api_key).status == 200
    return str(upstream.last().json["messages"][0]["content"])


def test_a_policy_is_copied_given_an_expression_tried_and_put_in_force(
    qtbot: QtBot, running: Appliance, upstream: Fake, page: GuardrailsPage, screenshots: Path
) -> None:
    view = page.policies.view
    assert page.head.held.title.text() == "“default” holds for everyone" and view.chosen_id == "default"
    assert cell(view, "default", 2) == "Everyone, by the settings" and cell(view, "gdpr", 4) == "Not in use"
    view.choose("gdpr")
    page.policies.buttons.buttons["copy"].click()
    dialog = dialog_of(page, PolicyDialog)
    dialog.about.name.setText("ours")
    dialog.parts.show_part("custom")
    dialog._draft.custom.add.click()
    expression = dialog_of(dialog._draft, ExpressionDialog)
    expression.name.setText("PROJECT")
    expression.regex.setText("PRJ-[0-9")
    expression.save.click()
    dialog.parts.show_part("rules")
    dialog._draft.rules.add.click()
    rule = dialog_of(dialog._draft, RuleDialog)
    next(one for one in rule.types._items() if one.text() == "CUSTOM_PROJECT").setCheckState(Qt.CheckState.Checked)
    rule.must_pass.setPlainText("All is well\nPRJ-1234 is late")
    rule.save.click()
    dialog.save.click()
    qtbot.waitUntil(
        lambda: isinstance(dialog._draft.dialog, ExpressionDialog) and dialog._draft.dialog.isVisible(), timeout=WAIT_MS
    )
    expression = dialog._draft.dialog
    assert "can't be used" in expression.rows["regex"].problem.text() and dialog.parts.name == "custom"
    expression.regex.setText(r"\bPRJ-[0-9]{4}\b")
    expression.save.click()
    dialog.save.click()
    qtbot.waitUntil(lambda: isinstance(dialog._draft.dialog, RuleDialog) and dialog._draft.dialog.isVisible(), timeout=WAIT_MS)
    rule = dialog._draft.dialog
    assert rule.rows["must_pass"].problem.text().startswith("Line 2: the rule finds CUSTOM_PROJECT")
    rule.must_pass.setPlainText("All is well")
    rule.save.click()
    dialog.parts.show_part("trial")
    dialog.trial.text.setPlainText(f"😀 PRJ-1234: write to {EMAIL}")
    qtbot.waitUntil(lambda: cells(dialog.trial.findings, 0) == ["PRJ-1234", EMAIL], timeout=WAIT_MS)
    assert [one.cursor.selectedText() for one in dialog.trial.text.extraSelections()] == ["PRJ-1234", EMAIL]
    assert dialog.trial.took.text().startswith("This draft, in ")
    dialog.window().grab().save(str(screenshots / "guardrails_live_draft.png"))
    dialog.save.click()
    qtbot.waitUntil(lambda: view.chosen_id == "ours", timeout=WAIT_MS)
    before = sent_on(running, upstream, f"PRJ-1234: {EMAIL}")
    assert "PRJ-1234" in before and EMAIL not in before  # it is under default
    page.policies.buttons.buttons["assign"].click()
    dialog_of(page, AssignmentDialog).save.click()
    qtbot.waitUntil(lambda: page.head.held.title.text() == "“ours” holds for everyone", timeout=WAIT_MS)
    assert "PRJ-1234" not in sent_on(running, upstream, f"PRJ-1234: {EMAIL}")
    qtbot.waitUntil(lambda: cell(view, "ours", 4) == "In force", timeout=WAIT_MS)
    page.head.tabs[2].click()
    page.trial.text.setPlainText(f"Write to {EMAIL} of PRJ-1234, the password is hR7#kq2Lw9!x.")
    qtbot.waitUntil(lambda: page.trial.findings.table.rowCount() == 3, timeout=WAIT_MS)
    assert page.trial.outcome.text().startswith("Stopped") and page.trial.took.text().startswith("Policy ours, version 1, in ")
    page.window().grab().save(str(screenshots / "guardrails_live_try.png"))


def test_versions_conflicts_assignments_and_the_end_of_a_policy(
    qtbot: QtBot, running: Appliance, upstream: Fake, page: GuardrailsPage, screenshots: Path
) -> None:
    assert admin(running, "POST", "policies", {"name": "ours", "copy_of": "default"}).status == 201
    department = admin(running, "POST", "departments", {"name": "Sales"}).json["id"]
    page.watch.ask_anew()
    view = page.policies.view
    qtbot.waitUntil(lambda: "ours" in cells(view, 0), timeout=WAIT_MS)
    dialog = opened(page, "ours")
    dialog.parts.show_part("about")
    dialog.about.title.setText("Ours")
    assert admin(running, "PATCH", "policies/ours", {"title": "Theirs"}).status == 200
    dialog.save.click()
    qtbot.waitUntil(dialog.problem.isVisible, timeout=WAIT_MS)
    assert dialog.problem.text().startswith("Somebody else changed it meanwhile")
    dialog.cancel.click()
    dialog_of(dialog, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: page.watch.guardrails.policies.get("ours").version == 2, timeout=WAIT_MS)
    dialog = opened(page, "ours")
    combo_to(dialog.about.fail, "open")
    dialog.save.click()
    dialog_of(dialog, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: page.done.text() == "“ours” is version 3 now.", timeout=WAIT_MS)
    assert admin(running, "GET", "policies/ours").json["policy"]["fail"] == "open"
    dialog = opened(page, "ours")
    dialog.parts.show_part("versions")
    qtbot.waitUntil(lambda: cells(dialog.versions.view, 0) == ["3", "2", "1"], timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "…" not in cells(dialog.versions.view, 2), timeout=WAIT_MS)
    dialog.window().grab().save(str(screenshots / "guardrails_live_versions.png"))
    dialog.versions.view.choose("1")
    dialog.versions.buttons.buttons["restore"].click()
    dialog_of(dialog, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: page.done.text() == "“ours” is version 4 now.", timeout=WAIT_MS)
    assert "fail" not in admin(running, "GET", "policies/ours").json["policy"]
    page.head.tabs[1].click()
    page.assignments.empty.button.click()
    dialog = dialog_of(page, AssignmentDialog)
    combo_to(dialog.policy, "ours")
    combo_to(dialog.whom.kind, "department")
    combo_to(dialog.whom.unit, department)
    combo_to(dialog.mode, "shadow")
    dialog.save.click()
    qtbot.waitUntil(lambda: cells(page.assignments.view, 0) == ["Department Sales"], timeout=WAIT_MS)
    assert "Take that back first" in page.policies.buttons.buttons["delete"].accessibleDescription()
    page.window().grab().save(str(screenshots / "guardrails_live_assigned.png"))
    page.assignments.view.removed.emit()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(page.assignments.empty.isVisible, timeout=WAIT_MS)
    page.head.tabs[0].click()
    view.choose("ours")
    qtbot.waitUntil(page.policies.buttons.buttons["delete"].isEnabled, timeout=WAIT_MS)
    page.policies.buttons.buttons["delete"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: "ours" not in cells(view, 0), timeout=WAIT_MS)
    assert admin(running, "GET", "policies/ours").status == 404


@pytest.mark.parametrize("kind", ["team", "user", "key", "route"])
def test_whoever_is_looked_for_can_be_assigned(qtbot: QtBot, running: Appliance, page: GuardrailsPage, kind: str) -> None:
    assert admin(running, "POST", "teams", {"name": "Berlin"}).status == 201
    target = {"provider": "fake", "model": "gpt-4o-mini"}
    assert admin(running, "POST", "routes", {"name": "fast", "deployments": [target]}).status == 201
    page.watch.ask_anew()
    qtbot.waitUntil(lambda: bool(page.watch.guardrails.organisation.tree()), timeout=WAIT_MS)
    page.policies.view.choose("strict")
    page.policies.buttons.buttons["assign"].click()
    dialog = dialog_of(page, AssignmentDialog)
    combo_to(dialog.whom.kind, kind)
    qtbot.waitUntil(lambda: dialog.whom.subject is not None, timeout=WAIT_MS)  # there is one of each
    whom = dialog.whom.subject
    dialog.save.click()
    page.head.tabs[1].click()
    qtbot.waitUntil(lambda: page.assignments.view.table.rowCount() == 1, timeout=WAIT_MS)
    found = admin(running, "GET", "policy-assignments").json["items"]
    assert [(one["subject"]["kind"], one["subject"]["id"], one["policy"]) for one in found] == [(kind, whom.id, "strict")]
    assert found[0]["subject"]["name"] and found[0]["subject"]["name"] in cells(page.assignments.view, 0)[0]
