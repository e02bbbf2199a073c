"""What the app knows of people, departments, teams and invitations, and an admin's wishes on their way to the gateway."""

from typing import Any

from gui.listed_state import Listed
from gui.people_state import Invitation, People, Unit, User
from gui.records_watch import ADMIN, DEPARTMENTS, TEAMS, UNITS_MAX, USERS, Query, RecordsWatch, at
from gui.service import Service
from gui.watch import UNREADABLE

INVITATIONS, MACHINE = f"{ADMIN}/invitations", f"{ADMIN}/machine"


class PeopleWatch(RecordsWatch):
    """Accounts by pages; invitations that are open, departments and teams whole."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.people = People()
        self.asked = self.people.asked

    def _knows_something(self) -> bool:
        return self.people.told

    def _forget(self) -> None:
        filters = self.people.filters
        self.people = People()
        self.people.filters, self.asked = filters, self.people.asked
        self._begin_again()

    # The lists

    def narrow(self, filters: dict[str, str]) -> None:
        """Only those of a role, a department, …; the gateway does the sorting out."""
        if filters == self.people.filters:
            return
        self.people.filters = filters
        self.people.begin_again()
        self._begin_again()
        self.ask()
        self.changed.emit()

    @property
    def listed(self) -> Listed[User]:
        return self.people.users

    @property
    def _list_path(self) -> str:
        return USERS

    @property
    def _query(self) -> Query:
        return self.people.filters

    def _send_questions(self) -> None:
        known = self.people

        def invitations() -> None:
            self.list_pages(INVITATIONS, {"state": "open"}, UNITS_MAX, got_invitations)

        def got_invitations(items: list[Any], cursor: str | None) -> None:
            if known.invitations.take(items, cursor):
                self._ask_organisation(known.organisation, ended)
            else:
                self._not_got(UNREADABLE)

        def ended() -> None:
            self.failure = None
            self._asked()

        self._ask_list(invitations)

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
