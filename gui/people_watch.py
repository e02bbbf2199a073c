"""What the app knows of people, departments, teams and invitations, and an admin's wishes on their way to the gateway."""

from typing import Any

from gui.client import Failure
from gui.people_state import Invitation, Organisation, People, Unit, User
from gui.records_watch import ADMIN, PAGE_ITEMS, RecordsWatch, at
from gui.service import Service
from gui.watch import UNREADABLE

USERS, INVITATIONS, DEPARTMENTS, TEAMS = (f"{ADMIN}/{name}" for name in ("users", "invitations", "departments", "teams"))
MACHINE = f"{ADMIN}/machine"
UNITS_MAX = 2_000  # departments, teams, organisations, invitations: of each
LOOK_MS = 15_000  # what others change is told by no event


class PeopleWatch(RecordsWatch):
    """The list's beginning is asked for again and again, what follows when `more` is wanted."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.people = People()
        self.asked = self.people.asked
        self.more_failure: Failure | None = None
        self.is_getting_more = False
        self._wants_whole = False
        self._look.setInterval(LOOK_MS)

    def _knows_something(self) -> bool:
        return self.people.told

    def _forget(self) -> None:
        filters = self.people.filters
        self.people = People()
        self.people.filters, self.asked = filters, self.people.asked
        self.more_failure, self.is_getting_more = None, False

    # The lists

    def ask_anew(self) -> None:
        """Everything, also what was got below: for who asks by hand."""
        self._wants_whole = True
        self.ask()

    def narrow(self, filters: dict[str, str]) -> None:
        """Only those of a role, a department, …; the gateway does the sorting out."""
        if filters == self.people.filters:
            return
        self.people.filters = filters
        self.people.begin_again()
        self.more_failure, self.is_getting_more = None, False
        self.ask()
        self.changed.emit()

    def _send_questions(self) -> None:
        known, listed = self.people, self.people.users
        is_whole, self._wants_whole = self._wants_whole, False

        def got_users(items: list[Any], cursor: str | None) -> None:
            if listed is not self.people.users:  # another list was wanted meanwhile
                self._ask_again = True
            elif not (listed.take if is_whole else listed.renew)(items, cursor):
                self._not_got(UNREADABLE)
                return
            self.changed.emit()
            self.list_pages(INVITATIONS, {"state": "open"}, UNITS_MAX, got_invitations)

        def got_invitations(items: list[Any], cursor: str | None) -> None:
            if not known.invitations.take(items, cursor):
                self._not_got(UNREADABLE)
                return
            self._ask_organisation(known.organisation)

        self.list_pages(USERS, known.filters, PAGE_ITEMS, got_users)

    def _ask_organisation(self, organisation: Organisation) -> None:
        got: list[list[Any]] = []
        paths = (DEPARTMENTS, TEAMS, f"{ADMIN}/tenants")

        def take(items: list[Any], _: str | None) -> None:
            got.append(items)
            if len(got) < len(paths):
                self.list_pages(paths[len(got)], {}, UNITS_MAX, take)
            elif not organisation.take(*got):
                self._not_got(UNREADABLE)
            else:
                self.failure = None
                self._asked()

        self.list_pages(paths[0], {}, UNITS_MAX, take)

    def more(self) -> None:
        """The next page of people."""
        listed, cursor = self.people.users, self.people.users.cursor
        if cursor is None or self.is_getting_more or self.service.phase != "running":
            return

        def got(items: list[Any], following: str | None) -> None:
            if listed is not self.people.users:
                return
            self.is_getting_more = False
            if listed.cursor == cursor and not listed.add(items, following):
                self.more_failure = UNREADABLE
            self.changed.emit()

        def failed(failure: Failure) -> None:
            if listed is self.people.users:
                self.is_getting_more, self.more_failure = False, failure
                self.changed.emit()

        self.is_getting_more, self.more_failure = True, None
        self.list_pages(USERS, self.people.filters, 1, got, cursor, failed)
        self.changed.emit()

    # Wishes

    def change_user(self, user: User, *, suspended: bool) -> None:
        verb = "suspend" if suspended else "resume"
        self.wish(user.id, verb, "PATCH", at(USERS, user.id), {"suspended": suspended}, version=user.version)

    def delete_user(self, user: User, *, forget: bool) -> None:
        self.wish(user.id, "delete", "DELETE", at(USERS, user.id) + ("?forget=true" if forget else ""))

    def sign_out(self, user: User) -> None:
        self.wish(user.id, "out", "POST", f"{MACHINE}/sign-out", {"email": user.email})

    def change_unit(self, unit: Unit, *, suspended: bool) -> None:
        verb = "suspend" if suspended else "resume"
        self.wish(unit.id, verb, "PATCH", at(_path(unit), unit.id), {"suspended": suspended}, version=unit.version)

    def delete_unit(self, unit: Unit) -> None:
        self.wish(unit.id, "delete", "DELETE", at(_path(unit), unit.id) + "?release=true")

    def revoke(self, one: Invitation) -> None:
        self.wish(one.id, "revoke", "DELETE", at(INVITATIONS, one.id))

    def _fulfilled(self, its_id: str, verb: str, answer: Any) -> None:
        known = self.people
        if verb == "revoke":
            known.invitations.drop(its_id)
        elif verb == "delete":
            known.users.drop(its_id)
            known.organisation.drop(its_id)
        elif verb != "out":
            known.users.put(answer)
            known.organisation.put(answer)


def _path(unit: Unit) -> str:
    return TEAMS if unit.is_team else DEPARTMENTS
