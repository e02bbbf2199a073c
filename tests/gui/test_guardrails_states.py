"""What the Guardrails page says and sends, without Qt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gui import policy_form_state as forms
from gui import policy_row_state as words
from gui import rule_words_state as rules
from gui import trial_state as trials
from gui.guardrails_state import Assignment, Content, Custom, FilesPart, Guardrails, Policy, Rule, Version, policy_of, versions_of
from gui.policy_form_state import Place
from gui.trial_state import Judged, Span, Tried, tried_of
from tests.gui.guardrails_stand_in import SHIPPED, assignment, own, shown
from tests.gui.keys_stand_in import unit

CONFINED = "Files are read only where their readers can be confined fully."
AT = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
MASKS = {"types": ["EMAIL"], "input": "mask", "output": "mask"}
BLOCKS = {"types": ["SECRETS"], "input": "block", "output": "block"}


def known(*assignments: Any, default: str = "default", policies: Any = (), in_force: Any = ()) -> Guardrails:
    """With what is shipped, and `policies` of one's own."""
    made = Guardrails()
    listed = [*map(shown, SHIPPED.values()), *policies]
    assert made.policies.take([{**one, "in_force": one["name"] in in_force} for one in listed], None)
    assert made.assignments.take(list(assignments), None)
    assert made.organisation.take([unit("dpt_sales", "Sales")], [], [unit("tenant_default", "Ours")])
    made.default, made.is_whole = default, True
    return made


def policy(name: str, *rules_of_it: Any, **more: Any) -> Policy:
    found = policy_of(own(name, *rules_of_it, **more))
    assert found is not None
    return found


def cell(known: Guardrails, name: str, column: int) -> str:
    found = known.policies.get(name)
    assert found is not None
    one = words.line(found, known, AT).cells[column]
    return " | ".join(part for part in (one.text, one.note) if part)


# What holds for everyone


@pytest.mark.parametrize(
    ("assigned", "default", "said"),
    [
        ([], "default", ("ready", "“default” holds for everyone")),
        ([], "off", ("warned", "Nothing is inspected: “off” holds for everyone")),
        ([], "", ("warned", "What holds for everyone isn't known")),
        ([], "nowhere", ("warned", "Nothing is inspected: “nowhere” holds for everyone")),
        ([assignment("a", "off"), assignment("b", "strict")], "off", ("ready", "“strict” holds for everyone")),
        ([assignment("a", "gdpr")], "off", ("ready", "“gdpr” holds for everyone")),
        ([assignment("a", "gdpr", mode="shadow")], "off", ("warned", "Nothing is inspected: “off” holds for everyone")),
        ([assignment("a", "gdpr"), assignment("b", "pci-dss")], "off", ("ready", "“gdpr” and “pci-dss” hold for everyone")),
        ([assignment("a", "off")], "gdpr", ("warned", "Nothing is inspected: “off” holds for everyone")),
        (
            [assignment("a", "gdpr", "department", "dpt_sales")],
            "off",
            ("warned", "Nothing is inspected: “off” holds for everyone"),
        ),
    ],
)
def test_what_holds_for_everyone_is_said_first_also_where_it_is_nothing(
    assigned: list[Any], default: str, said: tuple[str, str]
) -> None:
    assert words.held_words(known(*assigned, default=default))[:2] == said


def test_the_words_below_say_whence_it_holds_who_is_excepted_and_what_is_on_trial() -> None:
    of_some = assignment("a", "gdpr", "department", "dpt_sales", name="Sales")
    nothing = words.held_words(known(of_some, assignment("b", "off", "user", "u"), default="off"))[2]
    assert nothing.startswith("One assignment to somebody alone does inspect.") and "settings say so" in nothing
    trial = words.held_words(known(assignment("a", "gdpr"), assignment("b", "strict", mode="shadow")))[2]
    assert trial.endswith("On trial for everyone: strict; it changes nothing.") and "settings" not in trial


def test_what_holds_for_everyone_is_worked_out_anew_with_a_new_list() -> None:
    made = known(default="off")
    assert made.held.names == ["off"]
    made.assignments.take([assignment("a", "gdpr")], None)
    assert made.held.names == ["gdpr"] and made.found_policies()[0].name == "gdpr"
    made.assignments.drop("asg_a")
    made.default = "strict"
    assert made.held.names == ["strict"] and made.assigned("gdpr") == []


# Policies


def test_each_policy_says_for_whom_it_is_a_trial_marked() -> None:
    made = known(
        assignment("c", "gdpr", "user", "user_asha", "shadow", "Asha Rao"),
        assignment("b", "gdpr", "department", "dpt_sales", name="Sales"),
        assignment("a", "gdpr"),
        assignment("d", "strict", "key", "key_1", "shadow", "wiki"),
        in_force=["gdpr", "strict", "hipaa"],
    )
    assert cell(made, "gdpr", 2) == "Everyone | Department Sales and 1 more"
    hint = words.line(made.policies.items[2], made, AT).cells[2].hint
    assert hint == "Everyone, Department Sales, Person Asha Rao (on trial)"
    assert cell(made, "gdpr", 4) == "In force | for everyone"
    assert (cell(made, "strict", 2), cell(made, "strict", 4)) == ("Key wiki (on trial)", "On trial | only recorded")
    assert (cell(made, "off", 2), cell(made, "off", 4)) == ("Nobody", "Not in use")
    assert (cell(made, "hipaa", 2), cell(made, "hipaa", 4)) == ("Nobody", "Named | settings or route")
    by_route = known(in_force=["default", "hipaa"])
    assert (cell(by_route, "default", 4), cell(by_route, "hipaa", 4)) == ("In force | for everyone", "In force | by a route")
    assert cell(known(default="off"), "off", 2) == "Everyone, by the settings"


def test_the_policy_for_everyone_stands_first_then_those_for_some() -> None:
    made = known(assignment("a", "strict", "key", "k"), default="pci-dss", in_force=["pci-dss", "strict"])
    assert [one.name for one in made.found_policies()] == ["pci-dss", "strict", "default", "dpdp", "gdpr", "hipaa", "off"]
    assert [one.name for one in made.found_policies("safe harbor")] == ["hipaa"]


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("default", ["masks personal data", "notes IP addresses, MAC addresses, own expressions"]),
        (
            "gdpr",
            [
                "masks personal data, medical record numbers, UK NHS numbers",
                "hides and gives back e-mail addresses, telephone numbers, names of persons and 4 more",
            ],
        ),
    ],
)
def test_a_policy_is_told_in_one_line_the_strictest_first(name: str, others: list[str]) -> None:
    whole = rules.does(msgspec.convert(SHIPPED[name], Content))
    assert whole.split("; ") == ["Stops secrets, attacks", *others]
    assert rules.does(msgspec.convert(SHIPPED["off"], Content)) == "Inspects nothing"


def test_only_a_policy_of_ones_own_that_nobody_has_can_be_deleted() -> None:
    made = known(assignment("a", "sales", "department", "dpt_sales", name="Sales"), policies=[own("sales"), own("spare")])
    why = {one.name: words.why_not("delete", one, made) for one in made.policies.items}
    assert why["spare"] == "" and why["gdpr"] == "It came with the gateway, and stays."
    assert why["sales"] == "It is assigned to department Sales. Take that back first."
    made.default = "spare"
    assert "settings name it" in words.why_not("delete", made.policies.items[-1], made)
    made.asked["spare"] = "delete"
    assert words.why_not("open", made.policies.items[-1], made) and cell(made, "spare", 4) == "Deleting…"


def test_what_cannot_be_read_is_no_policy() -> None:
    assert policy_of({**own("x"), "policy": {"rules": [{"types": "EMAIL"}]}}) is None
    assert policy_of({**own("x"), "policy": None}) is None and policy_of([]) is None
    assert versions_of([{"version": "one", "policy": {}}]) is None
    found = policy_of({**own("x", {**MASKS, "new_field": 1}), "later": 2})
    assert found is not None and found.policy["rules"][0]["new_field"] == 1


# Rules in words


def test_a_rule_is_told_in_sentences() -> None:
    told = [rules.facts(rule) for rule in msgspec.convert(SHIPPED["gdpr"], Content).rules]
    assert told[0].startswith("E-mail addresses, telephone numbers, names of persons,")
    assert "hidden from the model and given back to the caller; masked where the model writes some of its own." in told[0]
    assert "It answers to GDPR article 4(1)" in told[0] and told[0].endswith("Tried with 2 examples at each change.")
    assert told[1].startswith("Personal data: masked both ways.")
    assert "Requests with it go to models on this machine only." in told[2] and told[3].startswith(
        "Secrets, attacks: stopped both ways."
    )
    one_way = Rule(types=["SECRET_X*", "NEW_TYPE"], input="flag")
    assert (
        rules.facts(one_way)
        == "All that begin with SECRET_X, NEW_TYPE: noted on the way to the model, let through in the answer."
    )


def test_whatever_a_shipped_policy_names_has_a_name_that_people_know() -> None:
    named = [name for one in SHIPPED.values() for rule in one.get("rules", ()) for name in rule["types"]]
    assert [
        name for name in named if (rules.type_title(name).isupper() and name != "IBAN") or "begin with" in rules.type_title(name)
    ] == []


def test_a_rules_row_has_what_each_way_the_article_and_what_is_wrong() -> None:
    cells = rules.line(
        0, Rule(types=["CREDIT_CARD"], input="mask", form="first6last4", min_score=0.4, answers_to="3.4.1: PAN")
    ).cells
    assert (cells[0].text, cells[0].note) == ("Card numbers", "if 40% sure or more")
    assert (cells[1].text, cells[1].note) == ("Masked", "the first six and last four remain")
    assert (cells[2].text, cells[2].note, cells[3].text, cells[3].note) == ("Let through", "", "3.4.1", "PAN")
    wrong = rules.line(1, Rule(types=["EMAIL"]), "See what is wrong with it").cells[0]
    assert (wrong.marker, wrong.note) == ("warned", "See what is wrong with it")
    odd = rules.line(0, Rule(types=["EMAIL"], input="later_action", form="later_form")).cells[1]
    assert odd.text == "later_action"


@pytest.mark.parametrize(
    ("types", "holds"),
    [
        (["CUSTOM_PROJECT"], True),
        (["CUSTOM_PRO*"], True),
        (["CUSTOM"], True),
        (["*"], True),
        (["PII"], False),
        (["CUSTOM_P"], False),
    ],
)
def test_an_expression_that_no_rule_means_says_so(types: list[str], holds: bool) -> None:
    told = forms.custom_fate(Custom(name="PROJECT"), [Rule(types=["SECRETS"], input="block"), Rule(types=types, input="mask")])
    assert told == ("By the rules: masked on the way to the model, let through in the answer." if holds else (
        "No rule says what becomes of it, and without one the gateway takes no policy. Add one for CUSTOM_PROJECT."))  # fmt: skip


# Drafts


def test_a_change_keeps_what_this_app_does_not_know() -> None:
    raw = {"types": ["EMAIL"], "input": "mask", "later": {"x": 1}, "min_score": 0.4}
    assert forms.laid_over(raw, forms.rule_of(raw)) == raw
    now = Rule(types=["EMAIL"], input="mask", min_score=0.4, must_catch=["a@b.example"])
    assert forms.laid_over(raw, now) == {**raw, "must_catch": ["a@b.example"]}
    about = {"name": "x", "description": "\nAs it is.\n", "later": 5}
    same = {"name": "x", "title": "", "description": "As it is.", "fail": "closed", "system_prompts": True, "kept_days": None}
    assert forms.about_over(about, same) == about
    assert forms.about_over(about, {**same, "kept_days": 30}) == {**about, "kept_days": 30}


def test_only_what_differs_is_sent() -> None:
    before = {"name": "x", "title": "X", "rules": [MASKS]}
    assert forms.changes(before, before) == {}
    assert forms.changes({**before, "title": "Y", "fail": "open"}, before) == {"title": "Y", "fail": "open"}
    assert forms.opens({**before, "fail": "open"}, before) and not forms.opens({"fail": "open"}, {"fail": "open"})


def test_a_copy_has_a_name_that_is_free() -> None:
    one = policy("sales", MASKS)
    assert forms.copy_of(one, ["sales"]) == {"name": "sales-copy", "rules": [MASKS]}
    assert forms.copy_of(one, ["sales", "sales-copy", "sales-copy-2"])["name"] == "sales-copy-3"
    assert forms.wrong(forms.copy_of(policy("x" * 64), []), [], is_new=True) is None


@pytest.mark.parametrize("name", ["", "Sales", "-x", "x" * 65, "a b", "taken", "x\n"])
def test_a_name_that_the_gateway_would_refuse_is_told_before(name: str) -> None:
    found = forms.wrong({"name": name}, ["taken"], is_new=True)
    assert found is not None and found[0] == "name"
    assert forms.wrong({"name": name}, ["taken"], is_new=False) is None


@pytest.mark.parametrize(
    ("param", "place"),
    [
        ("rules[2].must_pass[0]", Place("rules", 2, "must_pass", 0)),
        ("$.rules[2].min_score", Place("rules", 2, "min_score")),
        ("rules[11]", Place("rules", 11)),
        ("rules", Place("rules")),
        ("custom[0].regex", Place("custom", 0, "regex")),
        ("name", Place("about", field="name")),
        ("$.title", Place("about", field="title")),
        ("files", Place("about", field="files")),
        ("$.files.unreadable", Place("about", field="files.unreadable")),
        ("files.nothing_known", Place("about", field="files")),
        ("rules[0].files", Place("rules", 0, "files")),
        ("not_found_here[1]", Place("about")),
        ("", Place("about")),
    ],
)
def test_a_complaint_finds_its_field(param: str, place: Place) -> None:
    assert forms.place_of(param) == place


def test_a_complaint_of_an_example_tells_its_line() -> None:
    param = "rules[2].must_pass[1]"
    told = forms.said(f"{param}: something is found in it", "Change it.", param, forms.place_of(param))
    assert told == ("Line 2: something is found in it", "Change it.")
    assert forms.said("custom[0].regex: missing ]", "", "custom[0].regex", forms.place_of("custom[0].regex"))[0] == "missing ]"


def test_examples_are_one_a_line_and_keep_their_breaks() -> None:
    examples = ["-----BEGIN KEY-----\nabc\n", "plain", " spaced "]
    assert forms.lines_of(examples) == "-----BEGIN KEY-----⏎abc⏎\nplain\n spaced "
    assert forms.examples_in(forms.lines_of(examples) + "\n\n") == examples


def test_rules_and_expressions_are_looked_at_before_they_are_taken() -> None:
    assert forms.rule_wrong(Rule(types=["EMAIL", "SECRET_*", "*"])) == {}
    assert set(forms.rule_wrong(Rule(types=[], must_catch=["x"] * 51, must_pass=["y" * 4_001]))) == {
        "types",
        "must_catch",
        "must_pass",
    }
    assert "“email”" in forms.rule_wrong(Rule(types=["email"]))["types"]
    assert forms.custom_wrong(Custom(name="PROJECT", regex="x"), []) == {}
    assert set(forms.custom_wrong(Custom(name="project"), [])) == {"name", "regex"}
    assert "Another" in forms.custom_wrong(Custom(name="A", regex="x"), ["A"])["name"]
    offered = forms.types_offered(["PHONE", "EMAIL"], ["SECRET_A*", "EMAIL"], ["PROJECT"])
    assert offered == ["SECRET_A*", "PII", "SECRETS", "ATTACKS", "CUSTOM", "FILES", "*", "CUSTOM_PROJECT", "EMAIL", "PHONE"]


def test_what_a_pack_cannot_find_and_how_it_fails_can_be_read() -> None:
    told = dict(forms.shown_rows(msgspec.convert(SHIPPED["hipaa"], Content)))
    assert told["When an inspection fails"] == "The request is refused" and told["System prompts"] == "Inspected too"
    assert told["Not found here"].count("\n") == len(SHIPPED["hipaa"]["not_found_here"]) - 1
    assert dict(forms.shown_rows(Content(kept_days=1, fail="open")))["Requests are kept"] == "For a day at least"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (None, "A file with something to hide goes on redacted; one that can't be read is stopped."),
        ({"found": "as_text"}, "A file with something to hide goes on as its text; one that can't be read is stopped."),
        (
            {"found": "block", "unreadable": "pass", "require_full_sandbox": True},
            "A file with something to hide is stopped; one that can't be read goes on as it is. " + CONFINED,
        ),
        ({"found": "new"}, "A file with something to hide new; one that can't be read is stopped."),
    ],
)
def test_what_becomes_of_files_can_be_read(files: Any, told: str) -> None:
    content = msgspec.convert({"files": files}, Content)
    assert dict(forms.shown_rows(content))["Files"] == told


def test_a_rule_tells_what_becomes_of_a_file_with_it() -> None:
    rule = Rule(types=["HIDDEN_TEXT", "GPS_LOCATION", "FILES"], input="flag", files="block")
    assert "A file with it is stopped." in rules.facts(rule)
    assert rules.facts(rule).startswith("Text in files that nobody sees, where pictures were taken, what hides in files: ")
    assert rules.line(0, rule).cells[0].note.endswith("a file with it is stopped")
    assert "file" not in rules.facts(Rule(types=["EMAIL"], input="mask"))


def test_a_files_part_is_changed_where_it_differs_and_keeps_what_is_new() -> None:
    kept = {"name": "a", "files": {"found": "as_text", "newer": 1}}
    assert forms.files_over(kept, FilesPart(found="as_text")) == kept
    assert forms.files_over(kept, FilesPart())["files"] == {"found": "redact", "newer": 1}
    assert forms.files_over({"name": "a"}, FilesPart()) == {"name": "a"}
    changed = forms.files_over({"name": "a", "files": None}, FilesPart(unreadable="pass"))
    assert changed == {"name": "a", "files": {"unreadable": "pass"}}
    assert [len(forms.questions(changed, before)) for before in ({}, changed)] == [1, 0]
    assert len(forms.questions({**changed, "fail": "open"}, {})) == 2


def test_a_version_can_be_what_it_is_again_but_for_the_last_one() -> None:
    one, now = policy("sales", MASKS), policy("sales", BLOCKS)
    now = msgspec.structs.replace(now, version=3)
    version = Version(policy=one.policy, version=1, made_at=(AT - timedelta(hours=3)).isoformat(), made_by="user_asha")
    why = {action.verb: action.why for action in forms.version_actions(version, now, is_changed=False)}
    assert why == {"show": "", "restore": ""}
    latest = msgspec.structs.replace(version, version=3)
    assert forms.version_actions(latest, now, is_changed=False)[1].why == "This is how it is now."
    assert "Save or leave" in forms.version_actions(version, now, is_changed=True)[1].why
    question, consequence = forms.restore_question(version, now)
    assert "version 1" in question and "version 4" in consequence and "Masks e-mail addresses" in consequence
    assert [one.text for one in forms.version_line(version, "Asha Rao", AT).cells[:3]] == ["1", "3 h ago", "Asha Rao"]


def test_an_opened_policy_says_for_whom_it_is() -> None:
    one = policy("sales", MASKS)
    made = known(*(assignment(f"{n}", "sales", "user", f"u{n}", "shadow" if n == 1 else "enforce", f"P{n}") for n in range(9)))
    assert forms.standing(one, made.assigned("sales")).endswith("for person P0, person P1 (on trial), person P2 and 6 more")
    assert forms.standing(one, []) == "Version 1 · your own · assigned to nobody"
    assert forms.standing(one, [], is_for_everyone=True).endswith("for everyone, by the settings")


# Assignments


def test_an_assignment_says_whom_how_and_what_follows_when_it_is_taken_back() -> None:
    made = known(assignment("a", "gdpr"), assignment("b", "sales", "user", "u", "replace", "Asha Rao"),
                 assignment("c", "gdpr", "route", "fast", "shadow", "fast"), default="off")  # fmt: skip
    everyone, asha, fast = made.found_assignments()
    assert [words.assigned_line(one, made, AT).cells[0].text for one in (everyone, asha, fast)] == [
        "Everyone", "Person Asha Rao", "Route fast"]  # fmt: skip
    assert [words.assigned_line(one, made, AT).cells[2].text for one in (everyone, asha, fast)] == [
        "Enforced",
        "Alone",
        "On trial",
    ]
    assert words.remove_question(everyone, made)[1] == "What the gateway's settings say holds for everyone then: “off”."
    assert words.remove_question(asha, made)[0] == "Take “sales” back from person Asha Rao?"
    assert words.remove_question(fast, made)[1].startswith("Nothing changes for anybody")
    made.default = ""
    assert words.remove_question(everyone, made)[1] == "What the gateway's settings say holds for everyone then."
    made.assignments.take([assignment("a", "gdpr"), assignment("z", "hipaa")], None)
    assert words.remove_question(everyone, made)[1] == "“hipaa” goes on holding for everyone."
    assert words.assigned_why_not("open", asha, made) == "This policy isn't in the list."


def test_assignments_stand_from_the_widest_to_the_narrowest_and_are_searched() -> None:
    kinds = ["route", "key", "user", "team", "department", "tenant", "everyone", "later"]
    made = known(*(assignment(kind, "gdpr", kind, "x", name=f"N{kind}") for kind in kinds))
    assert [one.subject.kind for one in made.found_assignments()] == [*reversed(kinds[:-1]), "later"]
    assert [one.subject.kind for one in made.found_assignments("gdpr team nteam")] == ["team"]
    evil = msgspec.convert(assignment("x", "gdpr", "user", "u", name="\u202e<b>Asha</b>"), Assignment)
    assert evil.subject.words == "person <b>Asha</b>"


# Trials


def judged(start: int, end: int, action: str = "mask", **more: Any) -> Judged:
    return Judged("EMAIL", start, end, 0.9, action, **more)


@pytest.mark.parametrize("before", ["", "a", "😀", "é😀😀", "👩‍👩‍👧 ", "\U0001f1ee\U0001f1f3 नमस्ते ", "e\u0301", "\n😀\n"])
@pytest.mark.parametrize("value", ["x@y.example", "😀", "नाम😀"])
def test_findings_stand_where_qt_counts_them(before: str, value: str) -> None:
    text = f"{before}{value} 😀 after"
    found = trials.spans(text, [judged(len(before), len(before) + len(value))])
    units = text.encode("utf-16-le")
    assert units[found[0].start * 2 : found[0].end * 2].decode("utf-16-le") == value


def test_findings_outside_the_text_are_not_marked() -> None:
    assert trials.spans("abc", [judged(0, 3), judged(2, 4), judged(-1, 2), judged(2, 2)]) == [Span(0, 3, "mask")]
    assert len(trials.spans("abc", [judged(0, 1)] * 600)) == trials.SHOWN_MAX


def test_what_no_json_can_hold_is_replaced_place_for_place() -> None:
    assert trials.sendable("a\ud83db\u2029c\udc00") == "a\ufffdb\nc\ufffd"
    assert trials.sendable("😀\u00a0\u2028") == "😀\u00a0\u2028"


@pytest.mark.parametrize(
    ("action", "is_input", "marker", "said"),
    [
        ("allow", True, "ready", "Goes to the model as it is; nothing was found."),
        ("flag", True, "ready", "Goes to the model as it is, and is noted; 1 thing was found."),
        ("mask", False, "warned", "Goes to the caller changed; 1 thing was found."),
        ("tokenise", True, "warned", "Goes to the model changed; 1 thing was found."),
        ("block", False, "failed", "Stopped: nothing goes to the caller; 1 thing was found."),
    ],
)
def test_what_became_of_a_text_is_said(action: str, is_input: bool, marker: str, said: str) -> None:
    findings = [] if action == "allow" else [judged(0, 1, action)]
    tried = Tried(action != "block", action, "x", findings, "gdpr", 2, 1_234)
    assert trials.outcome(tried, is_input=is_input) == (marker, said, "Policy gdpr, version 2, in 1.2 ms.")


@pytest.mark.parametrize(
    ("version", "said"),
    [(3, "Policy a+b, version 3, in less than 0.1 ms."), (0, "This draft, in less than 0.1 ms."),
     (None, "Policies a and b together, in less than 0.1 ms.")],
)  # fmt: skip
def test_it_is_said_what_a_text_was_tried_under(version: int | None, said: str) -> None:
    assert trials.took(Tried(True, "allow", "x", [], "a+b", version)) == said


def test_each_finding_is_told_with_its_kind_action_and_how_sure() -> None:
    text = "😀 a@b.example"
    line = trials.lines(text, Tried(True, "mask", "", [judged(2, 13, detector="contact.email")], "gdpr"))[0]
    assert [one.text for one in line.cells] == ["a@b.example", "E-mail addresses", "Masked", "90%"]
    assert "contact.email" in line.cells[1].hint
    assert tried_of({"allowed": True}) is None and tried_of(None) is None


def test_a_draft_is_tried_instead_of_a_policy() -> None:
    assert trials.body("x", is_input=True) == {"text": "x", "is_input": True}
    assert trials.body("x", is_input=False, policy="gdpr") == {"text": "x", "is_input": False, "policy": "gdpr"}
    tried = trials.body("x", is_input=True, policy="gdpr", draft={"name": "", "rules": []})
    assert tried == {"text": "x", "is_input": True, "draft": {"name": "draft", "rules": []}}
