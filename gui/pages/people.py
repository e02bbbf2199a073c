"""Who may sign in, where they stand, and who is invited. Live."""

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog

from gui import invitation_row_state, person_row_state, unit_row_state
from gui.confirm_dialog import ConfirmDialog
from gui.link_dialog import LinkDialog
from gui.moments_state import ahead, now
from gui.pages.lists_page import ListsPage
from gui.password_dialog import PasswordDialog
from gui.people_file_dialog import PeopleFileDialog
from gui.people_file_state import BYTES_MAX, UnreadableFile, read
from gui.people_state import Unit, User
from gui.people_watch import PeopleWatch
from gui.person_dialog import PersonDialog
from gui.person_form_state import PersonForm, form_again, form_of
from gui.plain_text import one_line, sentences
from gui.service import Service
from gui.tables.lines_view import LinesView
from gui.unit_dialog import UnitDialog
from gui.widgets.lines_part import Empty, LinesPart
from gui.widgets.more_part import MorePart
from gui.widgets.people_head import PeopleHead

NEAR_THE_END = 400  # pixels: the next page is asked for before one is at the end


class PeoplePage(ListsPage):
    def __init__(self, service: Service) -> None:
        self.watch = PeopleWatch(service)
        super().__init__(service, self.watch, "people", self.watch.ask_anew)
        self.head = PeopleHead(self.refresh, self.watch.narrow, self._invite, self._add, self._choose_file)
        self.below = MorePart(self.watch.more)
        self.people, self.units, self.invitations = self._people_part(), self._units_part(), self._invitations_part()
        self._lay_out(self.head, self.head.search, self.people, self.units, self.invitations)
        self._connect()
        self.refresh()

    # Its parts

    def _people_part(self) -> LinesPart:
        view = LinesView("People", person_row_state.COLUMNS, {1: 130, 3: 128, 4: 136}, {2: 620, 3: 520})
        return LinesPart(view, Empty(*person_row_state.EMPTY, self._invite), person_row_state.WAYS, self._act, self.below, 0)

    def _units_part(self) -> LinesPart:
        view = LinesView("Departments and teams", unit_row_state.COLUMNS, {1: 110, 2: 140})
        return LinesPart(view, Empty(*unit_row_state.EMPTY, self._add_department), unit_row_state.WAYS, self._act_unit)

    def _invitations_part(self) -> LinesPart:
        view = LinesView("Invitations", invitation_row_state.COLUMNS, {1: 120, 3: 140}, {2: 480})
        empty = Empty(*invitation_row_state.EMPTY, self._invite)
        return LinesPart(view, empty, invitation_row_state.WAYS, self._act_invitation)

    def _connect(self) -> None:
        for part, act, remove in (
            (self.people, self._act, "delete"),
            (self.units, self._act_unit, "delete"),
            (self.invitations, self._act_invitation, "revoke"),
        ):
            part.view.chosen.connect(self._show_chosen)
            part.view.opened.connect(lambda act=act: act("edit"))
            part.view.removed.connect(lambda act=act, verb=remove: act(verb))
        self.people.view.verticalScrollBar().valueChanged.connect(self._scrolled)

    # What it shows

    def refresh(self) -> None:
        known = self.watch.people
        told = known.organisation.told and known.invitations.told  # accounts that are narrowed anew leave the page there
        if not self._is_there(told=told):
            return
        self.parts.setCurrentIndex(self.head.place)
        self.head.offer_units(known.organisation)
        self.head.show_counts(known.users.count, known.organisation.count, known.invitations.count)
        self._show_lists(one_line(self.head.search.text(), 60))
        self._show_said()
        self._show_chosen()

    def _show_lists(self, sought: str) -> None:
        known, at = self.watch.people, now()
        lines = [person_row_state.line(one, known, at) for one in known.users.items]
        note = "Looking…" if not known.users.told else "Nobody is like that."
        self.people.show_lines(lines, sought or ("filters" if known.filters or not known.users.told else ""), note)
        self.units.show_lines([unit_row_state.line(one, known) for one in known.organisation.tree(sought)], sought)
        found = known.found_invitations(sought)
        self.invitations.show_lines([invitation_row_state.line(one, known, at) for one in found], sought)
        failure = self.watch.more_failure
        self.below.show_more(
            sentences(failure.message, failure.fix) if failure else "",
            has_more=known.users.cursor is not None,
            is_asking=self.watch.is_getting_more,
            is_bad=failure is not None,
        )

    def _scrolled(self, value: int) -> None:
        bar = self.people.view.verticalScrollBar()
        if value > 0 and value >= bar.maximum() - NEAR_THE_END and self.watch.more_failure is None:
            self.watch.more()

    def _show_chosen(self) -> None:
        known, at = self.watch.people, now()
        user = known.users.get(self.people.view.chosen_id)
        self.people.show_chosen(
            person_row_state.actions(user, known) if user else [], person_row_state.problem(user, known) if user else ""
        )
        self.below.show_facts(person_row_state.facts(user, known) if user else "")
        unit = known.organisation.unit(self.units.view.chosen_id)
        self.units.show_chosen(
            unit_row_state.actions(unit, known) if unit else [], unit_row_state.problem(unit, known) if unit else ""
        )
        one = known.invitations.get(self.invitations.view.chosen_id)
        self.invitations.show_chosen(invitation_row_state.actions(one, known, at) if one else [], "")

    # What it does with people

    def _invite(self, form: PersonForm | None = None) -> None:
        self._say()
        dialog = PersonDialog(self.watch, "invite", form=form or PersonForm(), parent=self)
        dialog.saved.connect(self._show_link)
        self._open(dialog)

    def _show_link(self, answer: Any, form: PersonForm) -> None:
        told = answer if isinstance(answer, dict) else {}
        until = ahead((told.get("invitation") or {}).get("expires_at"), now())
        self._open(LinkDialog(str(told.get("link", "")), form.email, f"and ends {until}" if until else "for some days", self))

    def _add(self) -> None:
        if self.head.place == 1:
            self._add_department()
            return
        self._say()
        dialog = PersonDialog(self.watch, "add", parent=self)
        dialog.saved.connect(self._added)
        self._open(dialog)

    def _added(self, answer: Any, form: PersonForm) -> None:
        self.people.view.choose(str((answer or {}).get("id", "")))
        self._say(done=f"{one_line(form.name, 80)} can sign in now.")

    def _act(self, verb: str) -> None:
        known = self.watch.people
        one = known.users.get(self.people.view.chosen_id)
        if one is None or (why := person_row_state.why_not(verb, one, known)):
            self._say(why if one is not None else "")
            return
        self._say()
        if verb == "edit":
            self._open(PersonDialog(self.watch, "edit", one, parent=self))
        elif verb == "link":
            self._invite(form_of(one))
        elif verb == "password":
            dialog = PasswordDialog(self.watch, one, self)
            dialog.saved.connect(lambda words: self._say(done=words))
            self._open(dialog)
        elif verb == "resume":
            self.watch.change_user(one, suspended=False)
        else:
            self._ask_about(verb, one)

    def _ask_about(self, verb: str, one: User) -> None:
        if verb == "suspend":
            question = person_row_state.suspend_question(one)
            self._confirm(question, "Suspend", lambda: self.watch.change_user(one, suspended=True))
        elif verb == "out":
            self._confirm(person_row_state.sign_out_question(one), "Sign out", lambda: self.watch.sign_out(one))
        elif verb == "delete":
            dialog = ConfirmDialog(
                *person_row_state.delete_question(one),
                "Delete",
                lambda: self.watch.delete_user(one, forget=dialog.choice.isChecked()),
                self,
                choice=person_row_state.FORGET,
            )
            self._open(dialog)

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import people", "", "Tables (*.csv);;All files (*)")
        if name:
            self.take_file(Path(name))

    def take_file(self, path: Path) -> None:
        self._say()
        try:
            with path.open("rb") as file:
                data = file.read(BYTES_MAX + 1)
            if len(data) > BYTES_MAX:
                raise UnreadableFile("It is too large. Give them in several files.")
            people = read(data)
        except OSError as error:
            self._say(f"{one_line(path.name, 80)} can't be read: {error.strerror}.")
        except UnreadableFile as error:
            self._say(f"{one_line(path.name, 80)}: {error}")
        else:
            dialog = PeopleFileDialog(self.watch, path, people, self)
            dialog.taken.connect(lambda words: self._say(done=words))
            self._open(dialog)

    # What it does with departments, teams and invitations

    def _add_department(self) -> None:
        self._open_unit(UnitDialog(self.watch, parent=self))

    def _open_unit(self, dialog: UnitDialog) -> None:
        self._say()
        dialog.saved.connect(self.units.view.choose)
        self._open(dialog)

    def _act_unit(self, verb: str) -> None:
        known = self.watch.people
        one: Unit | None = known.organisation.unit(self.units.view.chosen_id)
        if one is None or (why := unit_row_state.why_not(verb, one, known)):
            self._say(why if one is not None else "")
            return
        if verb == "edit":
            self._open_unit(UnitDialog(self.watch, one, self))
        elif verb == "team":
            self._open_unit(UnitDialog(self.watch, parent=self, is_team=True, department_id=one.id))
        elif verb == "resume":
            self._say()
            self.watch.change_unit(one, suspended=False)
        elif verb == "suspend":
            self._confirm(unit_row_state.suspend_question(one), "Suspend", lambda: self.watch.change_unit(one, suspended=True))
        elif verb == "delete":
            self._confirm(unit_row_state.delete_question(one), "Delete", lambda: self.watch.delete_unit(one))

    def _act_invitation(self, verb: str) -> None:
        known = self.watch.people
        one = known.invitations.get(self.invitations.view.chosen_id)
        if one is None or (why := invitation_row_state.why_not(verb, one, known, now())):
            self._say(why if one is not None else "")
        elif verb == "revoke":
            self._confirm(invitation_row_state.revoke_question(one), "Revoke", lambda: self.watch.revoke(one))
        else:
            self._invite(form_again(one))
