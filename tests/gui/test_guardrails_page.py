"""The Guardrails page before a stand-in: screens that a real appliance shows seldom."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QDialog, QLabel, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from gui.assignment_dialog import AssignmentDialog
from gui.client import ANSWER_BYTES_MAX
from gui.confirm_dialog import ConfirmDialog
from gui.expression_dialog import ExpressionDialog
from gui.guardrails_watch import WHOLE_POLICIES
from gui.pages.guardrails import GuardrailsPage
from gui.policy_dialog import LEAST, PolicyDialog
from gui.rule_dialog import RuleDialog
from gui.tables.lines_view import LinesView
from gui.window import WANTED, Window
from tests.gui.conftest import MakeService
from tests.gui.guardrails_stand_in import ASSIGNMENTS, POLICIES, SHIPPED, TEST, StandIn, assignment, own
from tests.gui.screens import cell, cells, opener, pictures

WAIT_MS = 15_000
POLICY_BYTES_MAX = 256 * 1024  # the gateway's bound
EMAILS = {"types": ["EMAIL"], "input": "tokenise", "output": "mask", "answers_to": "GDPR article 4(5)",
          "must_catch": ["Write to asha@example.com"], "must_pass": ["What is the capital of France?"]}  # fmt: skip
SECRETS = {"types": ["SECRETS", "ATTACKS"], "input": "block", "output": "block"}
NOTED = {"types": ["CUSTOM"], "input": "flag"}
SALES = own("sales", EMAILS, SECRETS, NOTED, title="For Sales", custom=[{"name": "PROJECT", "regex": "PRJ-[0-9]{4}"}],
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
    qtbot.waitUntil(lambda: known.told and page.parts.isVisible(), timeout=WAIT_MS)
    return page


def dialog_of(owner: Any, kind: type[QDialog]) -> Any:
    assert isinstance(owner.dialog, kind), owner.dialog
    return owner.dialog


def opened(page: GuardrailsPage, name: str) -> PolicyDialog:
    page.policies.view.choose(name)
    page.policies.view.opened.emit()
    found: PolicyDialog = dialog_of(page, PolicyDialog)
    return found


def combo_to(part: QComboBox, value: Any) -> None:
    place = part.findData(value)
    assert place >= 0, value
    part.setCurrentIndex(place)


def marked(page: GuardrailsPage) -> list[str]:
    """What is marked in the text to try."""
    return [one.cursor.selectedText() for one in page.trial.text.extraSelections()]


# The page


def test_the_page_shows_each_policy_for_whom_it_is_and_what_holds_for_everyone(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in(**SOME)
    shown = window()
    page = told(qtbot, shown)
    view = page.policies.view
    assert page.head.held.title.text() == "“gdpr” holds for everyone" and "strict" in page.head.held.more.text()
    assert cells(view, 0) == ["gdpr", "sales", "hipaa", "strict", "default", "dpdp", "off", "pci-dss", "spare"]
    assert (cell(view, "sales", 2), cell(view, "strict", 2)) == ("Department Sales", "Everyone (on trial)")
    assert [cell(view, name, 4) for name in ("gdpr", "sales", "hipaa", "off")] == [
        "In force",
        "In force",
        "On trial",
        "Not in use",
    ]
    pictures(shown, screenshots, "guardrails_some")
    assert page.below.facts.text().startswith("GDPR (EU 2016/679). Stops secrets")
    page.head.search.setText("sales")
    assert cells(view, 0) == ["sales"] and not page.policies.buttons.buttons["delete"].isEnabled()
    page.head.tabs[1].click()
    assert cells(page.assignments.view, 0) == ["Department Sales", "Person Asha Rao"]
    page.head.search.clear()
    assert cells(page.assignments.view, 2) == ["Enforced", "On trial", "Enforced", "Alone", "On trial"]
    pictures(shown, screenshots, "guardrails_assigned")


def test_where_nothing_is_inspected_the_page_says_so_at_once(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in(default="off")
    shown = window()
    page = told(qtbot, shown)
    assert page.head.held.title.text() == "Nothing is inspected: “off” holds for everyone"
    assert cells(page.policies.view, 0)[0] == "off" and cell(page.policies.view, "off", 4) == "In force"
    pictures(shown, screenshots, "guardrails_off")
    page.head.tabs[1].click()
    assert page.assignments.empty.isVisible()
    pictures(shown, screenshots, "guardrails_unassigned")
    page.assignments.empty.button.click()
    dialog_of(page, AssignmentDialog).reject()


def test_two_hundred_policies_and_a_thousand_assignments_freeze_nothing(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    many = [own(f"policy-{n}", *([EMAILS, SECRETS] * 5), title=f"Number {n}") for n in range(200)]
    assigned = [assignment(f"{n}", f"policy-{n % 200}", "user", f"user_{n}", "enforce", f"Person {n}") for n in range(1_000)]
    stand_in(policies=many, assignments=assigned)
    shown = window()
    page = told(qtbot, shown)
    assert page.policies.view.table.rowCount() == 207 and page.head.tabs[1].text().endswith("1,000")
    page.policies.view.choose("policy-150")
    began = time.process_time()
    page.refresh()
    took = time.process_time() - began
    print(f"figure guardrails_refresh_1000 {took * 1000:.0f} ms")
    assert took < 0.5
    assert page.policies.view.chosen_id == "policy-150" and cell(page.policies.view, "policy-150", 2) == "Person Person 150"
    began = time.process_time()
    page.head.tabs[1].click()
    assert time.process_time() - began < 0.5 and page.assignments.view.table.rowCount() == 1_000
    page.head.search.setText("person 999")
    assert cells(page.assignments.view, 0) == ["Person Person 999"]
    began = time.process_time()
    page.head.search.clear()
    assert time.process_time() - began < 0.5 and page.assignments.view.table.rowCount() == 1_000
    page.head.assign.click()
    assert dialog_of(page, AssignmentDialog).policy.count() == 207
    page.dialog.reject()


def test_what_stands_in_names_is_shown_as_it_is(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    evil = "\u202e<b>Wiki</b> & Söhne " + "very-long-" * 20
    rule = {**EMAILS, "answers_to": evil, "must_catch": [], "must_pass": []}
    stand_in(
        policies=[own("evil", rule, title=evil, description=evil, not_found_here=[evil])],
        assignments=[
            assignment("e", "evil", "department", "dpt_x", name=evil),
            assignment("f", "evil", "later", "x", "later", evil),
        ],
    )
    shown = window()
    page = told(qtbot, shown)
    page.policies.view.choose("evil")
    assert "\u202e" not in page.below.facts.text() and "<b>Wiki</b>" in page.below.facts.text()
    pictures(shown, screenshots, "guardrails_evil")
    dialog = opened(page, "evil")
    for part in ("rules", "about"):
        dialog.parts.show_part(part)
        pictures(dialog, screenshots, f"guardrails_evil_{part}")
    assert dialog.width() < 900 and shown.width() == WANTED.width()
    dialog.reject()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"{POLICIES}?limit=15", 403, "The policies can't be shown. The role member may not read policies. Ask an admin."),
        (f"{ASSIGNMENTS}?limit=200", 403, "The policies can't be shown. The role member may not read policies. Ask an admin."),
    ],
)
def test_who_may_not_is_told_so(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], path: str, status: int, said: str
) -> None:
    gateway = stand_in()
    gateway.answer("GET", path, status, {"error": {"message": "the role member may not read policies", "fix": "Ask an admin"}})
    shown = window()
    page = shown.guardrails
    assert page is not None
    qtbot.waitUntil(page.again.isVisible, timeout=WAIT_MS)
    assert page.note.text() == said
    gateway.answer_as_ever("GET", path)
    page.again.click()
    told(qtbot, shown)


def test_a_list_that_fails_says_so_and_one_that_came_before_stays(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    shown = window()
    page = told(qtbot, shown)
    gateway.answer("GET", f"{ASSIGNMENTS}?limit=200", 200, {"items": [{"id": 5}], "next_cursor": None})
    page.watch.ask()
    qtbot.waitUntil(page.stale.isVisible, timeout=WAIT_MS)
    assert page.stale.text().startswith("This may be out of date.") and page.policies.view.table.rowCount() == 9
    pictures(shown, screenshots, "guardrails_stale")
    page.head.tabs[2].click()
    page.trial.text.setPlainText("a@b.example")
    gateway.close()
    qtbot.waitUntil(page.note.isVisible, timeout=WAIT_MS)
    assert page.note.text() == "The gateway is stopped. Start it to see its policies."


# A policy opened


def test_a_shipped_policy_is_read_and_copied_but_not_changed(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    dialog = opened(page, "gdpr")
    view = dialog._draft.rules.view
    assert cells(view, 1) == ["Hidden, given back", "Masked", "Masked", "Stopped"] and cells(view, 2)[0] == "Masked"
    assert cells(view, 3)[1] == "GDPR article 87" and "given back to the caller" in dialog._draft.rules.told.text()
    assert dialog.standing.text() == "Version 1 · came with the gateway · for everyone"
    assert not dialog.save.isVisible() and not dialog._draft.rules.add.isVisible()
    view.opened.emit()
    rule = dialog_of(dialog._draft, RuleDialog)
    assert rule.must_catch.toPlainText() == "Write to asha.verma@mail.example.in today"
    assert not rule.save.isVisible() and not rule.must_catch.isEnabled() and not rule.types.list.isEnabled()
    pictures(rule, screenshots, "guardrails_gdpr_rule")
    rule.reject()
    view.removed.emit()
    assert not dialog.is_changed and view.table.rowCount() == 4
    pictures(dialog, screenshots, "guardrails_gdpr_rules")
    dialog.parts.show_part("about")
    QTest.qWait(50)
    pictures(dialog, screenshots, "guardrails_gdpr_about")
    dialog.copy.click()
    qtbot.waitUntil(lambda: isinstance(page.dialog, PolicyDialog) and page.dialog is not dialog, timeout=WAIT_MS)
    copy = dialog_of(page, PolicyDialog)
    qtbot.waitUntil(copy.about.name.hasFocus, timeout=WAIT_MS)
    assert copy.about.name.text() == "gdpr-copy"
    copy.save.click()
    qtbot.waitUntil(lambda: page.policies.view.chosen_id == "gdpr-copy", timeout=WAIT_MS)
    assert page.done.text() == "“gdpr-copy” is made. It holds for nobody until you assign it."
    assert gateway.sent("POST", POLICIES)[0] == {**SHIPPED["gdpr"], "name": "gdpr-copy", "copy_of": "gdpr"}


def test_a_policy_is_written_from_nothing_and_the_gateway_s_complaints_stand_at_their_fields(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    page.head.add.click()
    dialog = dialog_of(page, PolicyDialog)
    dialog.save.click()
    assert dialog.about.fields["name"].problem.text() == "Give it a name."
    pictures(dialog, screenshots, "guardrails_new")
    dialog.about.name.setText("mine")
    dialog.parts.show_part("custom")
    dialog._draft.custom.add.click()
    expression = dialog_of(dialog._draft, ExpressionDialog)
    expression.save.click()
    assert expression.rows["regex"].problem.isVisible()
    expression.name.setText("PROJECT")
    expression.regex.setText("PRJ-[0-9")
    pictures(expression, screenshots, "guardrails_expression")
    expression.save.click()
    assert dialog._draft.custom.told.text().startswith("No rule says what becomes of it")
    dialog.parts.show_part("rules")
    dialog._draft.rules.add.click()
    rule = dialog_of(dialog._draft, RuleDialog)
    rule.save.click()
    assert rule.rows["types"].problem.text() == "Tick what it looks for."
    rule.types.search.setText("project")
    found = [one for one in rule.types._items() if not one.isHidden()]
    assert [one.text() for one in found] == ["CUSTOM_PROJECT"]
    found[0].setCheckState(Qt.CheckState.Checked)
    rule.types.search.setText("secret_z*")
    assert [one.text() for one in rule.types._items() if not one.isHidden()] == ["All that begin with SECRET_Z  ·  SECRET_Z*"]
    combo_to(rule.input, "block")
    rule.must_pass.setPlainText("All is well\nPRJ-1234 is late")
    rule.save.click()
    assert cells(dialog._draft.rules.view, 1) == ["Stopped"]
    dialog.save.click()
    qtbot.waitUntil(
        lambda: isinstance(dialog._draft.dialog, ExpressionDialog) and dialog._draft.dialog.isVisible(), timeout=WAIT_MS
    )
    expression = dialog._draft.dialog
    assert expression.rows["regex"].problem.text() == "RE2 refuses it: missing closing ]. Mend the expression."
    assert expression.regex.hasFocus() and dialog.parts.name == "custom"
    pictures(dialog, screenshots, "guardrails_refused_behind")
    pictures(expression, screenshots, "guardrails_refused_regex")
    expression.regex.setText("PRJ-[0-9]{4}")
    expression.save.click()
    dialog.save.click()
    qtbot.waitUntil(lambda: isinstance(dialog._draft.dialog, RuleDialog) and dialog._draft.dialog.isVisible(), timeout=WAIT_MS)
    rule = dialog._draft.dialog
    assert rule.rows["must_pass"].problem.text() == "Line 2: something is found in it. Change the example or the rule."
    assert dialog.parts.name == "rules"
    pictures(rule, screenshots, "guardrails_refused_example")
    rule.must_pass.setPlainText("All is well")
    rule.save.click()
    dialog.save.click()
    qtbot.waitUntil(lambda: page.policies.view.chosen_id == "mine", timeout=WAIT_MS)
    sent = gateway.sent("POST", POLICIES)[-1]
    assert sent == {
        "name": "mine", "custom": [{"name": "PROJECT", "regex": "PRJ-[0-9]{4}"}],
        "rules": [{"types": ["CUSTOM_PROJECT"], "input": "block", "output": "mask", "must_pass": ["All is well"]}],
    }  # fmt: skip


def test_what_becomes_of_files_is_chosen_and_letting_them_go_on_unread_is_asked_about(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    dialog = opened(page, "sales")
    dialog.parts.show_part("about")
    combo_to(dialog.about.files_found, "as_text")
    combo_to(dialog.about.files_unreadable, "pass")
    dialog.about.go_to(dialog.about.full_sandbox)
    pictures(dialog, screenshots, "guardrails_files")
    dialog.parts.show_part("rules")
    dialog._draft.rules.view.opened.emit()
    rule = dialog._draft.dialog
    assert isinstance(rule, RuleDialog) and rule.files.currentData() is None
    combo_to(rule.files, "block")
    pictures(rule, screenshots, "guardrails_rule_files")
    rule.save.click()
    dialog.save.click()
    question = dialog_of(dialog, ConfirmDialog)
    assert "can't be read" in question.question.text() and gateway.sent("PATCH", f"{POLICIES}/sales") == []
    question.confirm.click()
    qtbot.waitUntil(lambda: page.done.text() == "“sales” is version 2 now.", timeout=WAIT_MS)
    (sent,) = gateway.sent("PATCH", f"{POLICIES}/sales")
    assert sent["files"] == {"found": "as_text", "unreadable": "pass"}
    assert [one.get("files") for one in sent["rules"]] == ["block", None, None] and set(sent) == {"files", "rules"}


def test_only_what_was_changed_is_sent_and_letting_through_is_asked_about(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    dialog = opened(page, "sales")
    dialog.save.click()  # nothing was changed
    assert not dialog.isVisible() and gateway.sent("PATCH", f"{POLICIES}/sales") == []
    dialog = opened(page, "sales")
    dialog.parts.show_part("about")
    combo_to(dialog.about.fail, "open")
    dialog.about.kept_days.setValue(30)
    dialog.save.click()
    question = dialog_of(dialog, ConfirmDialog)
    assert "uninspected" in question.question.text() and gateway.sent("PATCH", f"{POLICIES}/sales") == []
    pictures(question, screenshots, "guardrails_open_question")
    question.cancel.click()
    dialog.save.click()
    dialog_of(dialog, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: page.done.text() == "“sales” is version 2 now.", timeout=WAIT_MS)
    assert gateway.sent("PATCH", f"{POLICIES}/sales") == [{"fail": "open", "kept_days": 30}]
    assert "the request goes on uninspected" in page.below.facts.text()
    dialog = opened(page, "sales")
    dialog._draft.rules.view.choose("1")
    dialog._draft.rules.remove.click()
    dialog.save.click()  # it was open before: that isn't asked again
    qtbot.waitUntil(lambda: page.done.text() == "“sales” is version 3 now.", timeout=WAIT_MS)
    assert gateway.sent("PATCH", f"{POLICIES}/sales")[-1] == {"rules": [EMAILS, NOTED]}


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    dialog = opened(page, "sales")
    dialog.parts.show_part("about")
    dialog.about.title.setText("Mine")
    changed = {"error": {"message": "you saw version 1, it is version 2 now", "fix": "Send its ETag", "param": None}}
    gateway.answer("PATCH", f"{POLICIES}/sales", 412, changed)
    dialog.save.click()
    qtbot.waitUntil(dialog.problem.isVisible, timeout=WAIT_MS)
    assert dialog.problem.text().startswith("Somebody else changed it meanwhile, so nothing of yours was saved.")
    dialog.about.title.setText("Mine again")
    assert dialog.problem.isVisible() and not dialog.save.isEnabled()
    pictures(dialog, screenshots, "guardrails_changed")
    dialog.cancel.click()
    question = dialog_of(dialog, ConfirmDialog)
    assert question.question.text() == "Leave without saving?"
    question.cancel.click()
    assert dialog.isVisible()
    dialog.cancel.click()
    dialog_of(dialog, ConfirmDialog).confirm.click()
    assert not dialog.isVisible()


def test_a_version_is_looked_at_and_restored(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    older = {"version": 1, "made_at": "2026-11-01T08:00:00Z", "made_by": "user_asha", "policy": own("sales", SECRETS)["policy"]}
    newer = {"version": 2, "made_at": "2026-11-02T08:00:00Z", "made_by": "machine", "policy": SALES["policy"]}
    gone = {**older, "version": 0, "made_by": "user_gone"}
    gateway = stand_in(**{**SOME, "policies": [{**SALES, "version": 2}]}, versions={"sales": [newer, older, gone]})
    page = told(qtbot, window())
    dialog = opened(page, "sales")
    dialog.parts.show_part("versions")
    view = dialog.versions.view
    qtbot.waitUntil(lambda: cells(view, 2) == ["this machine", "Asha Rao", "user_gone"], timeout=WAIT_MS)
    assert not dialog.versions.buttons.buttons["restore"].isEnabled()
    view.choose("1")
    pictures(dialog, screenshots, "guardrails_versions")
    dialog.versions.buttons.buttons["show"].click()
    shown = dialog_of(dialog, PolicyDialog)
    assert shown.windowTitle() == "Version 1 of sales" and cells(shown._draft.rules.view, 1) == ["Stopped"]
    assert not shown.save.isVisible() and not shown.copy.isVisible()
    shown.reject()
    dialog.versions.buttons.buttons["restore"].click()
    assert "version 3" in dialog_of(dialog, ConfirmDialog).consequence.text()
    dialog.dialog.confirm.click()
    qtbot.waitUntil(lambda: page.done.text() == "“sales” is version 3 now.", timeout=WAIT_MS)
    assert gateway.sent("POST", f"{POLICIES}/sales/restore") == [{"version": 1}]
    gateway.answer("GET", f"{POLICIES}/sales/versions?limit=15", 503, {"error": {"message": "the database is locked", "fix": ""}})
    dialog = opened(page, "sales")
    dialog.parts.show_part("versions")
    qtbot.waitUntil(dialog.versions.problem.isVisible, timeout=WAIT_MS)
    assert dialog.versions.problem.text() == "Its versions can't be shown. The database is locked."
    dialog.reject()


def test_of_very_many_versions_the_newest_are_shown(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    many = [{"version": n, "made_at": None, "made_by": "machine", "policy": SALES["policy"]} for n in range(500, 0, -1)]
    stand_in(**{**SOME, "policies": [{**SALES, "version": 500}]}, versions={"sales": many})
    page = told(qtbot, window())
    dialog = opened(page, "sales")
    dialog.parts.show_part("versions")
    qtbot.waitUntil(lambda: dialog.versions.view.table.rowCount() == 90, timeout=WAIT_MS)
    assert cells(dialog.versions.view, 0)[0] == "500" and dialog.versions.older.isVisible()
    dialog.reject()


def test_an_answer_has_room_for_as_many_of_the_largest_policies_as_are_asked_for_at_once() -> None:
    assert int(WHOLE_POLICIES["limit"]) * POLICY_BYTES_MAX < ANSWER_BYTES_MAX


def test_a_policy_of_ones_own_is_deleted_when_nobody_has_it(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    view = page.policies.view
    view.choose("gdpr")
    view.removed.emit()
    assert (
        page.problem.text() == "It came with the gateway, and stays." and not page.policies.buttons.buttons["delete"].isEnabled()
    )
    view.choose("spare")
    gateway.answer("DELETE", f"{POLICIES}/spare", 409, {"error": {"message": "spare is assigned", "fix": "take that back first"}})
    view.removed.emit()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: page.problem.text() == "Spare is assigned. Take that back first.", timeout=WAIT_MS)
    gateway.answer_as_ever("DELETE", f"{POLICIES}/spare")
    page.policies.buttons.buttons["delete"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: "spare" not in cells(view, 0), timeout=WAIT_MS)


# Assignments


@pytest.mark.parametrize(
    ("kind", "sought", "sent"),
    [
        ("everyone", "", {"kind": "everyone", "id": ""}),
        ("department", "dpt_legal", {"kind": "department", "id": "dpt_legal"}),
        ("team", "team_berlin", {"kind": "team", "id": "team_berlin"}),
        ("user", "ben", {"kind": "user", "id": "user_ben"}),
        ("key", "note", {"kind": "key", "id": "key_notebook"}),
        ("route", "sma", {"kind": "route", "id": "smart"}),
    ],
)
def test_a_policy_is_assigned_to_whoever_is_looked_for(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path, kind: str, sought: str, sent: Any
) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    page.policies.view.choose("hipaa")
    page.policies.buttons.buttons["assign"].click()
    dialog = dialog_of(page, AssignmentDialog)
    combo_to(dialog.whom.kind, kind)
    if kind == "user":
        dialog.whom.person.search.setText(sought)
    elif kind in ("key", "route"):
        dialog.whom.listed[kind].search.setText(sought)
    elif kind != "everyone":
        if dialog.whom.unit.count() > 1:
            dialog.save.click()
            assert dialog.rows["subject"].problem.text() == "Choose for whom."
        combo_to(dialog.whom.unit, sought)
    qtbot.waitUntil(lambda: dialog.whom.subject is not None, timeout=WAIT_MS)
    assert (dialog.mode.findData("replace") >= 0) == (kind not in ("everyone", "route"))
    combo_to(dialog.mode, "shadow")
    assert "only what it would have done is recorded" in dialog.rows["mode"].note.text()
    QTest.qWait(30)
    pictures(dialog, screenshots, f"guardrails_assign_{kind}")
    dialog.save.click()
    qtbot.waitUntil(lambda: page.head.tabs[1].text().endswith("6"), timeout=WAIT_MS)
    assert gateway.sent("POST", ASSIGNMENTS) == [{"subject": sent, "policy": "hipaa", "mode": "shadow"}]
    page.head.tabs[1].click()
    assert page.assignments.view.chosen_id == "asg_new5"


def test_an_assignment_is_taken_back_and_a_refusal_is_told(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    page.head.tabs[1].click()
    page.head.assign.click()
    dialog = dialog_of(page, AssignmentDialog)
    refused = {"message": "subject.id: there is no such person", "fix": "", "param": "subject.id"}
    gateway.answer("POST", ASSIGNMENTS, 404, {"error": refused})
    combo_to(dialog.whom.kind, "user")
    dialog.whom.person.search.setText("asha")
    qtbot.waitUntil(lambda: dialog.whom.subject is not None, timeout=WAIT_MS)
    dialog.save.click()
    qtbot.waitUntil(dialog.rows["subject"].problem.isVisible, timeout=WAIT_MS)
    assert dialog.rows["subject"].problem.text() == "There is no such person."
    pictures(dialog, screenshots, "guardrails_assign_refused")
    gateway.answer(
        "POST", ASSIGNMENTS, 409, {"error": {"message": "they have it already", "fix": "remove that first", "param": None}}
    )
    dialog.save.click()
    qtbot.waitUntil(dialog.problem.isVisible, timeout=WAIT_MS)
    assert dialog.problem.text() == "They have it already. Remove that first."
    dialog.reject()
    view = page.assignments.view
    view.choose("asg_all")
    view.opened.emit()
    assert dialog_of(page, PolicyDialog).heading.text().startswith("gdpr")
    page.dialog.reject()
    view.removed.emit()
    question = dialog_of(page, ConfirmDialog)
    assert question.question.text() == "Take “gdpr” back from everyone?" and "settings say" in question.consequence.text()
    question.confirm.click()
    qtbot.waitUntil(lambda: page.head.held.title.text() == "“default” holds for everyone", timeout=WAIT_MS)
    assert "asg_all" not in [one.id for one in page.watch.guardrails.assignments.items]


# Trying


def test_a_text_is_tried_as_it_is_typed_and_what_is_found_is_marked_in_it(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    shown = window()
    page = told(qtbot, shown)
    page.head.tabs[2].click()
    trial = page.trial
    assert trial.policy.currentText() == "What holds for everyone: gdpr"
    pictures(shown, screenshots, "guardrails_try_empty")
    QTest.keyClicks(trial.text, "Write to ")
    trial.text.insertPlainText("😀 नमस्ते 👩‍👩‍👧 asha@example.com 😀 or 123-45-6789.")
    qtbot.waitUntil(lambda: trial.findings.table.rowCount() == 2, timeout=WAIT_MS)
    assert marked(page) == ["asha@example.com", "123-45-6789"] and cells(trial.findings, 0) == marked(page)
    assert trial.seen.toPlainText() == "Write to 😀 नमस्ते 👩‍👩‍👧 [EMAIL] 😀 or [US_SSN]."
    assert cells(trial.findings, 2) == ["Hidden, given back", "Masked"] and cells(trial.findings, 3) == ["90%", "90%"]
    assert trial.outcome.text() == "Goes to the model changed; 2 things were found." and "0.1 ms" in trial.took.text()
    pictures(shown, screenshots, "guardrails_try")
    trial.findings.setFocus()
    trial.findings.choose("1")
    assert trial.text.textCursor().selectedText() == "123-45-6789"
    combo_to(trial.direction, False)
    qtbot.waitUntil(lambda: cells(trial.findings, 2) == ["Masked", "Masked"], timeout=WAIT_MS)
    assert trial.title.text() == "What the caller would see"
    combo_to(trial.policy, "strict")
    trial.text.setPlainText("the password is hunter2")
    assert marked(page) == []  # at once: it stood in another text
    qtbot.waitUntil(lambda: trial.outcome.text() == "Stopped: nothing goes to the caller; 1 thing was found.", timeout=WAIT_MS)
    assert gateway.sent("POST", TEST)[-1] == {"text": "the password is hunter2", "is_input": False, "policy": "strict"}
    assert trial.seen.toPlainText() == "" and trial.seen.placeholderText() == "Nothing: it is stopped."
    pictures(shown, screenshots, "guardrails_try_stopped")
    trial.text.clear()
    qtbot.waitUntil(lambda: not trial.outcome.isVisible() and trial.findings.table.rowCount() == 0, timeout=WAIT_MS)
    assert trial.seen.toPlainText() == ""


def test_while_the_gateway_is_slow_the_last_text_wins(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    page.head.tabs[2].click()
    trial = page.trial
    gateway.be_slow(True)
    before = len(gateway.sent("POST", TEST))
    trial.text.setPlainText("first@example.com")
    qtbot.waitUntil(lambda: len(gateway.sent("POST", TEST)) == before + 1, timeout=WAIT_MS)
    for text in ("second@example.com", "third@example.com", "fourth@example.com"):
        trial.text.setPlainText(text)
        trial.ask()
    QTest.qWait(500)
    assert len(gateway.sent("POST", TEST)) == before + 1  # one at a time
    gateway.be_slow(False)
    qtbot.waitUntil(lambda: marked(page) == ["fourth@example.com"], timeout=WAIT_MS)
    assert [one["text"] for one in gateway.sent("POST", TEST) if one["text"]][-1] == "fourth@example.com"
    assert len([one for one in gateway.sent("POST", TEST) if one["text"]]) == 2


def test_what_is_wrong_with_a_trial_is_said_and_too_much_is_not_sent(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    shown = window()
    page = told(qtbot, shown)
    page.head.tabs[2].click()
    trial = page.trial
    before = len(gateway.sent("POST", TEST))
    trial.text.setPlainText("x" * 100_001)
    qtbot.waitUntil(lambda: trial.outcome.text() == "At most 100,000 characters can be tried here.", timeout=WAIT_MS)
    assert len(gateway.sent("POST", TEST)) == before
    gateway.answer("POST", TEST, 503, {"error": {"message": "the guardrails can't be read", "fix": "look at the log"}})
    trial.text.setPlainText("a@b.example")
    qtbot.waitUntil(lambda: trial.outcome.text() == "The guardrails can't be read. Look at the log.", timeout=WAIT_MS)
    pictures(shown, screenshots, "guardrails_try_failed")
    gateway.answer("POST", TEST, 200, {"allowed": "perhaps"})
    trial.ask()
    qtbot.waitUntil(lambda: "another version" in trial.outcome.text(), timeout=WAIT_MS)
    gateway.answer_as_ever("POST", TEST)
    began = time.process_time()
    trial.text.setPlainText("a@b.example " * 2_000)
    qtbot.waitUntil(lambda: trial.findings.table.rowCount() == 500, timeout=WAIT_MS)
    assert "The first 500 are listed." in trial.outcome.text() and time.process_time() - began < 5


def test_a_draft_is_tried_before_it_is_saved(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(**SOME)
    page = told(qtbot, window())
    dialog = opened(page, "sales")
    dialog.parts.show_part("trial")
    assert not dialog.trial.policy.isVisible()
    dialog.trial.text.setPlainText("😀 PRJ-1234, a@b.example")
    qtbot.waitUntil(lambda: cells(dialog.trial.findings, 2) == ["Noted", "Hidden, given back"], timeout=WAIT_MS)
    dialog._draft.rules.view.choose("2")
    dialog._draft.rules._put([EMAILS, {**NOTED, "input": "block"}], 1)
    dialog.parts.show_part("trial")
    qtbot.waitUntil(lambda: cells(dialog.trial.findings, 2) == ["Stopped", "Hidden, given back"], timeout=WAIT_MS)
    assert cells(dialog.trial.findings, 0) == ["PRJ-1234", "a@b.example"]
    assert dialog.trial.outcome.text().startswith("Stopped") and not gateway.sent("PATCH", f"{POLICIES}/sales")
    assert gateway.sent("POST", TEST)[-1]["draft"]["rules"][-1]["types"] == ["CUSTOM"]
    pictures(dialog, screenshots, "guardrails_try_draft")
    dialog._leave()


# Small windows, and the keyboard


def test_on_a_small_screen_every_action_stays_within_reach(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in(**SOME)
    shown = window()
    page = told(qtbot, shown)
    shown.resize(640, 480)
    QTest.qWait(50)
    head = page.head
    for place, view, parts in (
        (0, page.policies.view, [*page.policies.buttons.buttons.values(), head.add, head.search]),
        (1, page.assignments.view, [*page.assignments.buttons.buttons.values(), head.assign, head.search]),
        (2, page.trial.findings, [page.trial.policy, page.trial.direction, page.trial.text, page.trial.seen, page.trial.took]),
    ):
        page.head.tabs[place].click()
        QTest.qWait(50)
        pictures(shown, screenshots, f"guardrails_small_{place}")
        assert shown.width() <= 680 and shown.height() <= 560
        for one in (*parts, *head.tabs, head.held):
            assert one.isVisible() and shown.rect().contains(one.rect().translated(one.mapTo(shown, one.rect().topLeft()))), one
        assert view.horizontalHeader().length() <= view.viewport().width()  # nothing stands outside


def test_a_policy_opened_on_a_small_screen_keeps_its_buttons_within_reach(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in(**SOME)
    page = told(qtbot, window())
    dialog = opened(page, "sales")
    dialog.resize(LEAST)
    for name in dialog.parts.tabs:
        dialog.parts.show_part(name)
        QTest.qWait(50)
        pictures(dialog, screenshots, f"guardrails_small_dialog_{name}")
        assert dialog.size() == LEAST
        for one in (dialog.save, dialog.cancel, *dialog.parts.tabs.values()):
            assert dialog.rect().contains(one.rect().translated(one.mapTo(dialog, one.rect().topLeft()))), name
    dialog.parts.show_part("rules")
    dialog._draft.rules.view.opened.emit()
    pictures(dialog_of(dialog._draft, RuleDialog), screenshots, "guardrails_rule")
    dialog._draft.dialog.reject()
    dialog.reject()


def test_the_page_can_be_used_from_the_keyboard(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    gateway = stand_in(**SOME)
    shown = window()
    page = told(qtbot, shown)
    shown.activateWindow()
    qtbot.waitUntil(shown.isActiveWindow, timeout=WAIT_MS)
    QTest.keySequence(shown, QKeySequence(QKeySequence.StandardKey.Find))
    assert page.head.search.hasFocus()
    page.policies.view.setFocus()
    page.policies.view.choose("sales")
    QTest.keyClick(page.policies.view, Qt.Key.Key_Return)
    dialog = dialog_of(page, PolicyDialog)
    qtbot.waitUntil(dialog._draft.rules.view.hasFocus, timeout=WAIT_MS)
    QTest.keyClick(dialog._draft.rules.view, Qt.Key.Key_Return)
    rule = dialog_of(dialog._draft, RuleDialog)
    assert letters(rule) == sorted(set(letters(rule)))
    rule.reject()
    for name in dialog.parts.tabs:
        dialog.parts.show_part(name)
        assert letters(dialog) == sorted(set(letters(dialog))), name
    dialog.parts.show_part("about")
    dialog.about.title.setText("By the keyboard")
    QTest.keyClick(dialog.about.title, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.done.text() == "“sales” is version 2 now.", timeout=WAIT_MS)
    assert gateway.sent("PATCH", f"{POLICIES}/sales") == [{"title": "By the keyboard"}]
    dialog = opened(page, "sales")
    named = [one for one in dialog.findChildren(QWidget) if isinstance(one, QLineEdit | QComboBox | QPlainTextEdit | LinesView)]
    for part in named:
        assert part.accessibleName() or part.objectName() == "qt_spinbox_lineedit", part
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    for made in (AssignmentDialog(page.watch, page), ExpressionDialog({}, [], lambda _: None, {}, page)):
        assert letters(made) == sorted(set(letters(made))), made.windowTitle()
        made.close()
    for tab in page.head.tabs:
        tab.click()
        assert letters(shown) == sorted(set(letters(shown)))


def test_tab_walks_through_a_trial_in_the_order_in_which_one_reads(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]
) -> None:
    stand_in(**SOME)
    shown = window()
    page = told(qtbot, shown)
    shown.activateWindow()
    qtbot.waitUntil(shown.isActiveWindow, timeout=WAIT_MS)
    page.head.tabs[2].click()
    trial = page.trial
    trial.policy.setFocus()
    walked: list[QWidget | None] = []
    for _ in range(4):
        at = shown.focusWidget()
        assert at is not None
        QTest.keyClick(at, Qt.Key.Key_Tab)
        walked.append(shown.focusWidget())
    assert walked == [trial.direction, trial.text, trial.seen, trial.findings]


def letters(shown: QWidget) -> list[str]:
    """Those that are underlined now."""
    parts = [*shown.findChildren(QLabel), *shown.findChildren(QAbstractButton)]
    return sorted(key for part in parts if part.isVisibleTo(shown) for key in re.findall("&(\\w)", part.text().lower()))
