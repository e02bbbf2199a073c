"""Choosing one of many people: what is typed is looked for in their names and addresses."""

from gui.client import Failure
from gui.people_state import User
from gui.plain_text import one_line, sentences
from gui.records_watch import RecordsWatch
from gui.widgets.sought_field import SoughtField


class PersonField(SoughtField):
    def __init__(self, watch: RecordsWatch) -> None:
        super().__init__(
            "Name or e-mail address",
            "People found",
            "There are no people yet.",
            "Nobody has “{words}” in their name or address.",
            watch.find_people,
        )
        watch.found.connect(self._found)
        self.ask()

    @property
    def user_id(self) -> str:
        return self.chosen_id

    def _found(self, words: str, people: list[User] | Failure, has_more: bool) -> None:
        if isinstance(people, Failure):
            self.say(words, sentences(people.message, people.fix))
        else:
            self.show_found(words, [(one.id, _told(one)) for one in people], has_more=has_more)


def _told(one: User) -> str:
    return f"{one_line(one.name, 80)}  ·  {one_line(one.email, 120)}{'  ·  suspended' if one.suspended_at else ''}"
