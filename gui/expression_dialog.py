"""One of an administrator's own expressions in a policy's draft."""

from collections.abc import Collection

from PySide6.QtWidgets import QCheckBox, QDialog, QWidget

from gui import policy_form_state as forms
from gui.guardrails_state import Custom, Json
from gui.widgets.draft_lines import Edited
from gui.widgets.form_field import FormArea, FormField, lay_out_form
from gui.widgets.parts import button, field, label

WIDTH, NAME_CHARACTERS_MAX, REGEX_CHARACTERS_MAX, ABOUT_CHARACTERS_MAX = 520, 41, 1_000, 200


class ExpressionDialog(QDialog):
    """`edited` is told it as it is to be. `others`: names that are taken; `problems`: what the gateway said, by field."""

    def __init__(self, raw: Json, others: Collection[str], edited: Edited, problems: dict[str, str], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("An expression")
        self.setMinimumWidth(WIDTH)
        self._raw, self._others, self._edited = raw, others, edited
        custom = forms.custom_of(raw)
        self.name, self.regex, self.description = field("Name"), field("Expression"), field("What it finds")
        self.ignore_case = QCheckBox("&Large and small letters are alike")
        self.ignore_case.setObjectName("check")
        self.form, self.problem = FormArea(), label(name="bad", wraps=True)
        self.rows = {
            "name": FormField("&Name", self.name),
            "regex": FormField("E&xpression", self.regex),
            "description": FormField("&What it finds", self.description),
            "ignore_case": FormField("", self.ignore_case),
        }
        self.rows["regex"].explain("RE2's syntax, for example PRJ-[0-9]{4}: no look-around, no back-references.")
        self.cancel, self.save = button("Cancel", self.reject), button("&OK", self._save, "primary")
        self.save.setDefault(True)
        lay_out_form(self, self.form, self.rows.values(), self.problem, self.cancel, self.save)
        self._fill(custom)
        self._show_problems(problems)

    def _fill(self, custom: Custom) -> None:
        self.name.setMaxLength(NAME_CHARACTERS_MAX)
        self.regex.setMaxLength(REGEX_CHARACTERS_MAX)
        self.description.setMaxLength(ABOUT_CHARACTERS_MAX)
        self.name.setText(custom.name)
        self.name.setPlaceholderText("PROJECT_NUMBER")
        self.regex.setText(custom.regex)
        self.description.setText(custom.description)
        self.ignore_case.setChecked(custom.ignore_case)
        self.name.textChanged.connect(self._named)
        self.regex.textChanged.connect(lambda _: self._touched("regex"))
        self._named()

    def _named(self) -> None:
        name = self.name.text().strip()
        told = f"Rules call it CUSTOM_{name}; a rule for all own expressions means it too." if name else ""
        self.rows["name"].explain(told)
        self._touched("name")

    def _touched(self, name: str) -> None:
        self.rows[name].show_problem("")
        self.form.fit(self)

    def only_show(self) -> None:
        """To be read, not to be changed."""
        for row in self.rows.values():
            row.part.setEnabled(False)
        self.save.hide()
        self.cancel.setText("Close")

    @property
    def now(self) -> Custom:
        return Custom(
            name=self.name.text().strip(),
            regex=self.regex.text(),
            description=self.description.text().strip(),
            ignore_case=self.ignore_case.isChecked(),
        )

    def _show_problems(self, problems: dict[str, str]) -> None:
        for name, row in self.rows.items():
            row.show_problem(problems.get(name, ""))
        rest = [text for name, text in problems.items() if name not in self.rows]
        self.problem.setText(" ".join(rest))
        self.problem.setVisible(bool(rest))
        self.form.fit(self)
        first = next((name for name in self.rows if name in problems), "")
        if first:
            self.form.go_to(self.rows[first].part)

    def _save(self) -> None:
        custom = self.now
        problems = forms.custom_wrong(custom, self._others)
        self._show_problems(problems)
        if not problems:
            self.accept()
            self._edited(forms.laid_over(self._raw, custom))
