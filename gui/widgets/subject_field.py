"""For whom a policy is to hold: everyone, an organisation, a department, a team, a person, a key or a route."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.client import Failure
from gui.guardrails_state import Subject
from gui.guardrails_watch import GuardrailsWatch
from gui.people_state import Unit
from gui.plain_text import one_line, sentences
from gui.widgets.form_field import combo
from gui.widgets.person_field import PersonField
from gui.widgets.sought_field import SoughtField

KINDS = {
    "everyone": ("Everyone", "All requests of all people and programs."),
    "tenant": ("An organisation", "All of its people and keys."),
    "department": ("A department", "Its people, its teams and their keys."),
    "team": ("A team", "Its people and their keys."),
    "user": ("A person", "With all keys of theirs."),
    "key": ("An API key", "Only requests with this key."),
    "route": ("A route", "All requests that ask for this model name, whoever sends them."),
}


class SubjectField(QWidget):
    """`changed`: another one, or none."""

    changed = Signal()

    def __init__(self, watch: GuardrailsWatch) -> None:
        super().__init__()
        self._watch = watch
        organisation = watch.guardrails.organisation
        self.kind, self.unit, self.person = combo("For whom"), combo("Which"), PersonField(watch)
        self.listed = {
            "key": SoughtField("Name of a key", "Keys found", "There is no active key.", "No active key has “{words}” in it.",
                               lambda words: watch.seek("key", words)),
            "route": SoughtField("Name of a route", "Routes found", "There is no route yet.", "No route has “{words}” in it.",
                                 lambda words: watch.seek("route", words)),
        }  # fmt: skip
        for name, (title, _) in KINDS.items():
            if name != "tenant" or organisation.has_several:
                self.kind.addItem(title, name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for part in (self.kind, self.unit, self.person, *self.listed.values()):
            layout.addWidget(part)
        self.unit.setPlaceholderText("There is none yet")
        self.kind.currentIndexChanged.connect(lambda _: self._turned())
        self.unit.currentIndexChanged.connect(lambda _: self.changed.emit())
        for sought in (self.person, *self.listed.values()):
            sought.chosen.connect(self.changed)
        watch.sought.connect(self._found)
        watch.seek_anew()
        self._turned()

    @property
    def chosen_kind(self) -> str:
        return str(self.kind.currentData())

    @property
    def explanation(self) -> str:
        return KINDS[self.chosen_kind][1]

    @property
    def subject(self) -> Subject | None:
        """None: nobody is chosen yet."""
        kind = self.chosen_kind
        if kind == "everyone":
            return Subject(kind)
        its_id = str(self.unit.currentData() or "")
        if kind == "user":
            its_id = self.person.user_id
        elif kind in self.listed:
            its_id = self.listed[kind].chosen_id
        return Subject(kind, its_id) if its_id else None

    @property
    def first_part(self) -> QWidget:
        kind = self.chosen_kind
        if kind in self.listed:
            return self.listed[kind].search
        return {"everyone": self.kind, "user": self.person.search}.get(kind, self.unit)

    def _turned(self) -> None:
        kind = self.chosen_kind
        self.unit.setVisible(kind in ("tenant", "department", "team"))
        self.person.setVisible(kind == "user")
        for name, part in self.listed.items():
            part.setVisible(kind == name)
        if kind in self.listed:
            self.listed[kind].ask()
        elif kind in ("tenant", "department", "team"):
            self._offer_units(kind)
        self.changed.emit()

    def _offer_units(self, kind: str) -> None:
        organisation = self._watch.guardrails.organisation
        self.unit.blockSignals(True)
        self.unit.clear()
        if kind == "tenant":
            for its_id, name in organisation.tenants:
                self.unit.addItem(name, its_id)
        else:
            for one in organisation.tree():
                if one.is_team == (kind == "team"):
                    self._add_unit(one)
        self.unit.setCurrentIndex(0 if self.unit.count() == 1 else -1)
        self.unit.setPlaceholderText("Choose one" if self.unit.count() else "There is none yet")
        self.unit.blockSignals(False)

    def _found(self, kind: str, words: str, found: list[tuple[str, str]] | Failure) -> None:
        part = self.listed[kind]
        if isinstance(found, Failure):
            part.say(words, sentences(found.message, found.fix))
        else:
            part.show_found(words, found)

    def _add_unit(self, one: Unit) -> None:
        organisation = self._watch.guardrails.organisation
        department = organisation.unit(one.department_id)
        above = [one_line(department.name, 80) if department is not None else "", organisation.tenant_name(one.tenant_id)]
        where = "".join(f"  ·  {name}" for name in above if name)
        self.unit.addItem(f"{one_line(one.name, 80)}{where}{' (suspended)' if one.suspended_at is not None else ''}", one.id)
