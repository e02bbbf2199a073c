"""What a policy says of itself: its name and title, what becomes of requests when it fails, how long they are kept."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QPlainTextEdit, QSpinBox

from gui import policy_form_state as forms
from gui.guardrails_state import Content, FilesPart, Json
from gui.plain_text import breakable, one_line
from gui.rule_words_state import FILE_ACTIONS
from gui.widgets.form_field import PART_HEIGHT, FormArea, FormField, combo
from gui.widgets.parts import field, label

TITLE_CHARACTERS_MAX, DESCRIPTION_HEIGHT = 200, 84


class ShownAbout(FormArea):
    """To be read only."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        for title, text in forms.shown_rows(content):
            shown = label("\n".join(breakable(line) for line in text.split("\n")), wraps=True)
            shown.setContentsMargins(0, 7, 0, 0)
            FormField(title, shown).add_to(self.rows)
        self.stay_at_top()


class PolicyAbout(FormArea):
    """To be changed. `changed`: by somebody's hand."""

    changed = Signal()

    def __init__(self, raw: Json, content: Content, *, is_new: bool) -> None:
        super().__init__()
        self._raw = raw
        self.name, self.title, self.description = field("Name"), field("Title"), QPlainTextEdit()
        self.fail, self.kept_days = combo("When an inspection fails"), QSpinBox()
        self.system_prompts = QCheckBox("S&ystem prompts are inspected too")
        self.files_found, self.files_unreadable = combo("Files with findings"), combo("Files that can't be read")
        self.full_sandbox = QCheckBox("Files are read &only where their readers can be confined fully")
        self.fields = {
            "name": FormField("Na&me", self.name),
            "title": FormField("Tit&le", self.title),
            "description": FormField("&Description", self.description),
            "fail": FormField("When an inspection &fails", self.fail),
            "system_prompts": FormField("", self.system_prompts),
            "kept_days": FormField("Requests are &kept", self.kept_days),
            "files": FormField("Files &with findings", self.files_found),
            "files.unreadable": FormField("Files that can't &be read", self.files_unreadable),
            "files.require_full_sandbox": FormField("", self.full_sandbox),
        }
        for row in self.fields.values():
            row.add_to(self.rows)
        self.rows.setRowVisible(self.fields["name"], is_new)
        if content.not_found_here:
            told = label(breakable(dict(forms.shown_rows(content))["Not found here"]), wraps=True)
            told.setContentsMargins(0, 7, 0, 0)
            FormField("Not found here", told).add_to(self.rows)
        self.stay_at_top()
        self._fill(content)
        self._connect()
        self._explain()

    def _fill(self, content: Content) -> None:
        self.name.setText(str(self._raw.get("name", "")))
        self.name.setMaxLength(64)
        self.name.setPlaceholderText("Small letters and digits: sales-in-germany")
        self.title.setMaxLength(TITLE_CHARACTERS_MAX)
        self.title.setText(content.title)
        self.title.setPlaceholderText("As people read it")
        self.description.setObjectName("field")
        self.description.setAccessibleName("Description")
        self.description.setTabChangesFocus(True)
        self.description.setFixedHeight(DESCRIPTION_HEIGHT)
        self.description.setPlainText(content.description)
        for name in dict.fromkeys([*forms.FAILS, content.fail]):
            self.fail.addItem(forms.FAILS[name][0] if name in forms.FAILS else one_line(name, 40), name)
        self.fail.setCurrentIndex(self.fail.findData(content.fail))
        self.system_prompts.setObjectName("check")
        self.system_prompts.setChecked(content.system_prompts)
        self.kept_days.setRange(0, forms.KEPT_DAYS_MAX)
        self.kept_days.setSpecialValueText(forms.KEPT_BY_RULE)
        self.kept_days.setSuffix(" days at least")
        self.kept_days.setAccessibleName("Requests are kept")
        self.kept_days.setMinimumHeight(PART_HEIGHT)
        self.kept_days.setValue(content.kept_days or 0)
        self._fill_files(content.files or FilesPart())

    def _fill_files(self, part: FilesPart) -> None:
        _offer(self.files_found, {name: title for name, (title, _, _) in FILE_ACTIONS.items()}, part.found)
        _offer(self.files_unreadable, {name: title for name, (title, _) in forms.UNREADABLE.items()}, part.unreadable)
        self.full_sandbox.setObjectName("check")
        self.full_sandbox.setChecked(part.require_full_sandbox)

    def _connect(self) -> None:
        self.name.textChanged.connect(lambda _: self._touched("name"))
        self.title.textChanged.connect(lambda _: self._touched("title"))
        self.description.textChanged.connect(lambda: self._touched("description"))
        self.fail.currentIndexChanged.connect(lambda _: self._touched("fail"))
        self.kept_days.valueChanged.connect(lambda _: self._touched("kept_days"))
        self.system_prompts.toggled.connect(lambda _: self._touched("system_prompts"))
        self.files_found.currentIndexChanged.connect(lambda _: self._touched("files"))
        self.files_unreadable.currentIndexChanged.connect(lambda _: self._touched("files.unreadable"))
        self.full_sandbox.toggled.connect(lambda _: self._touched("files.require_full_sandbox"))

    def _touched(self, name: str) -> None:
        self.fields[name].show_problem("")
        self._explain()
        self.changed.emit()

    def _explain(self) -> None:
        chosen = str(self.fail.currentData())
        self.fields["fail"].explain(forms.FAILS[chosen][1] if chosen in forms.FAILS else "")
        found, unread = str(self.files_found.currentData()), str(self.files_unreadable.currentData())
        told = f"{FILE_ACTIONS[found][1]} A rule may say otherwise." if found in FILE_ACTIONS else ""
        self.fields["files"].explain(told)
        self.fields["files.unreadable"].explain(forms.UNREADABLE[unread][1] if unread in forms.UNREADABLE else "")

    @property
    def over(self) -> Json:
        """What differs from what stood there, over it."""
        days = self.kept_days.value() or None
        now: Json = {
            "name": self.name.text().strip(),
            "title": self.title.text().strip(),
            "description": self.description.toPlainText().strip(),
            "fail": str(self.fail.currentData()),
            "system_prompts": self.system_prompts.isChecked(),
            "kept_days": days,
        }
        part = FilesPart(
            found=str(self.files_found.currentData()),
            unreadable=str(self.files_unreadable.currentData()),
            require_full_sandbox=self.full_sandbox.isChecked(),
        )
        return forms.files_over(forms.about_over(self._raw, now), part)

    def show_problem(self, name: str, text: str) -> bool:
        """Whether there is such a field."""
        for each, row in self.fields.items():
            row.show_problem(text if each == name else "")
        if name in self.fields and text:
            self.go_to(self.fields[name].part)
        return name in self.fields


def _offer(made: QComboBox, titles: dict[str, str], chosen: str) -> None:
    """What isn't known here stands there all the same."""
    for name in dict.fromkeys([*titles, chosen]):
        made.addItem(titles.get(name) or one_line(name, 40), name)
    made.setCurrentIndex(made.findData(chosen))
