"""One rule of a policy's draft: what it looks for, what becomes of it each way, and texts that prove it."""

from typing import Any

from PySide6.QtWidgets import QCheckBox, QDialog, QDoubleSpinBox, QPlainTextEdit, QWidget

from gui import policy_form_state as forms
from gui.guardrails_state import Json, Rule
from gui.plain_text import one_line
from gui.rule_words_state import ACTIONS, FILE_ACTIONS, FORMS, action_title, file_title
from gui.widgets.draft_lines import Edited
from gui.widgets.form_field import PART_HEIGHT, FormArea, FormField, combo, lay_out_form
from gui.widgets.parts import button, field, label
from gui.widgets.type_list import TypeList

WIDTH, EXAMPLES_HEIGHT = 620, 66
FILES_AS_EVER = "As the policy says of files"


class RuleDialog(QDialog):
    """`edited` is told the rule as it is to be. `problems`: what the gateway complained of, by field."""

    def __init__(
        self, raw: Json, offered: list[str], notes: dict[str, str], edited: Edited, problems: dict[str, str], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("A rule")
        self.setMinimumWidth(WIDTH)
        self._raw, self._edited = raw, edited
        rule = forms.rule_of(raw)
        self.types = TypeList(offered, rule.types, notes)
        self.input, self.output = (
            _actions("Sent to the model", rule.input, ""),
            _actions("In the answer", rule.output, "tokenise"),
        )
        self.form_of_masking, self.min_score = combo("What remains when masked"), QDoubleSpinBox()
        self.files = combo("A file with it")
        self.article, self.must_catch, self.must_pass = field("Answers to"), _examples("Must find"), _examples("Must not find")
        self.stays_here, self.regulated = (
            QCheckBox("Requests with it stay on this mac&hine"),
            QCheckBox("&Its law's report counts it"),
        )
        self.form, self.problem = FormArea(), label(name="bad", wraps=True)
        self.rows = self._rows()
        self.cancel, self.save = button("Cancel", self.reject), button("&OK", self._save, "primary")
        self.save.setDefault(True)
        lay_out_form(self, self.form, self.rows.values(), self.problem, self.cancel, self.save)
        self._fill(rule)
        self._connect()
        self._explain()
        self._show_problems(problems)

    def _rows(self) -> dict[str, FormField]:
        made = {
            "types": FormField("&Looked for", self.types),
            "input": FormField("&Sent to the model", self.input),
            "output": FormField("In the &answer", self.output),
            "form": FormField("&Masked so", self.form_of_masking),
            "files": FormField("A file &with it", self.files),
            "min_score": FormField("S&ure by", self.min_score),
            "stays_here": FormField("", self.stays_here),
            "answers_to": FormField("Answers &to", self.article),
            "regulated": FormField("", self.regulated),
            "must_catch": FormField("Must &find", self.must_catch),
            "must_pass": FormField("Must &not find", self.must_pass),
        }
        made["types"].title.setBuddy(self.types.search)
        made["min_score"].explain("Findings less sure than that don't count.")
        made["stays_here"].explain("They go to models that run here, or are refused where there is none.")
        made["must_catch"].explain("Texts in which it must find something, one a line. They are tried at each change.")
        made["must_pass"].explain("Texts in which it must find nothing, one a line.")
        return made

    def _fill(self, rule: Rule) -> None:
        for name, (title, _) in FORMS.items():
            self.form_of_masking.addItem(title, name)
        if rule.form not in FORMS:
            self.form_of_masking.addItem(one_line(rule.form, 40), rule.form)
        self.form_of_masking.setCurrentIndex(self.form_of_masking.findData(rule.form))
        self.files.addItem(FILES_AS_EVER, None)
        for name in dict.fromkeys([*FILE_ACTIONS, *([rule.files] if rule.files is not None else [])]):
            self.files.addItem(file_title(name), name)
        self.files.setCurrentIndex(max(0, self.files.findData(rule.files)))
        self.min_score.setRange(0, 100)
        self.min_score.setDecimals(0)
        self.min_score.setSingleStep(5)
        self.min_score.setSuffix(" %")
        self.min_score.setMinimumHeight(PART_HEIGHT)
        self.min_score.setAccessibleName("Sure by")
        self.min_score.setValue(rule.min_score * 100)
        for box, is_on in ((self.stays_here, rule.stays_here), (self.regulated, rule.regulated)):
            box.setObjectName("check")
            box.setChecked(is_on)
        self.article.setMaxLength(300)
        self.article.setText(rule.answers_to)
        self.article.setPlaceholderText("The article or requirement, for example GDPR article 4(5)")
        self.article.setCursorPosition(0)
        self.must_catch.setPlainText(forms.lines_of(rule.must_catch))
        self.must_pass.setPlainText(forms.lines_of(rule.must_pass))

    def _connect(self) -> None:
        self.types.changed.connect(lambda: self._touched("types"))
        for name, part in (("input", self.input), ("output", self.output), ("files", self.files)):
            part.currentIndexChanged.connect(lambda _, name=name: self._touched(name))
        for name, text in (("must_catch", self.must_catch), ("must_pass", self.must_pass)):
            text.textChanged.connect(lambda name=name: self._touched(name))

    def _touched(self, name: str) -> None:
        self.rows[name].show_problem("")
        self._explain()

    def _explain(self) -> None:
        for name, part in (("input", self.input), ("output", self.output)):
            action = str(part.currentData())
            self.rows[name].explain(ACTIONS[action][1] if action in ACTIONS else "")
        chosen = self.files.currentData()
        self.rows["files"].explain(FILE_ACTIONS[chosen][1] if chosen in FILE_ACTIONS else "")
        masks = "mask" in (self.input.currentData(), self.output.currentData())
        self.form.rows.setRowVisible(self.rows["form"], masks)
        self.form.fit(self)

    def only_show(self) -> None:
        """To be read, not to be changed."""
        for row in self.rows.values():
            row.part.setEnabled(False)
        self.save.hide()
        self.cancel.setText("Close")

    @property
    def now(self) -> Rule:
        before = forms.rule_of(self._raw)
        score = self.min_score.value() / 100
        changed: dict[str, Any] = {
            "types": self.types.types,
            "input": str(self.input.currentData()),
            "output": str(self.output.currentData()),
            "form": str(self.form_of_masking.currentData()),
            "files": self.files.currentData(),
            "min_score": before.min_score if abs(score - before.min_score) < 0.005 else score,
            "answers_to": self.article.text().strip(),
            "must_catch": forms.examples_in(self.must_catch.toPlainText()),
            "must_pass": forms.examples_in(self.must_pass.toPlainText()),
        }
        return Rule(**changed, regulated=self.regulated.isChecked(), stays_here=self.stays_here.isChecked())

    def _show_problems(self, problems: dict[str, str]) -> None:
        for name, row in self.rows.items():
            row.show_problem(problems.get(name, ""))
        rest = [text for name, text in problems.items() if name not in self.rows]
        self.problem.setText(" ".join(rest))
        self.problem.setVisible(bool(rest))
        self.form.fit(self)
        first = next((name for name in self.rows if name in problems), "")
        if first:
            self.form.go_to(self.types.search if first == "types" else self.rows[first].part)

    def _save(self) -> None:
        rule = self.now
        problems = forms.rule_wrong(rule)
        self._show_problems(problems)
        if not problems:
            self.accept()
            self._edited(forms.laid_over(self._raw, rule))


def _actions(name: str, chosen: str, hidden: str) -> Any:
    """`hidden`: not offered, unless it stands there already."""
    made = combo(name)
    for action in dict.fromkeys([*ACTIONS, chosen]):
        if action != hidden or action == chosen:
            made.addItem(action_title(action), action)
    made.setCurrentIndex(made.findData(chosen))
    return made


def _examples(name: str) -> QPlainTextEdit:
    made = QPlainTextEdit()
    made.setObjectName("field")
    made.setAccessibleName(name)
    made.setFixedHeight(EXAMPLES_HEIGHT)
    made.setTabChangesFocus(True)
    made.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    return made
