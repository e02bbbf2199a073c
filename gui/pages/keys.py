"""API keys and the service accounts that hold some: who may send requests, with what. Live."""

from functools import partial

from gui import account_row_state, key_row_state
from gui.account_dialog import AccountDialog
from gui.key_form_dialog import KeyFormDialog
from gui.key_row_state import KeyLines
from gui.keys_state import ApiKey, Made
from gui.keys_watch import KeysWatch
from gui.leak_dialog import LeakDialog
from gui.made_dialog import MadeDialog
from gui.moments_state import now
from gui.pages.lists_page import ListsPage
from gui.plain_text import one_line, sentences
from gui.rotate_dialog import RotateDialog
from gui.service import Service
from gui.tables.lines_view import LinesView
from gui.widgets.keys_head import KeysHead
from gui.widgets.lines_part import Empty, LinesPart
from gui.widgets.more_part import MorePart

FOUND_ENOUGH = 50  # a search goes on below what is here until so many are found
NEAR_THE_END = 400  # pixels: the next page is asked for before one is at the end


class KeysPage(ListsPage):
    def __init__(self, service: Service) -> None:
        self.watch = KeysWatch(service)
        super().__init__(service, self.watch, "keys", self.watch.ask_anew)
        self._lines = KeyLines()
        self.head = KeysHead(self.refresh, self.watch.narrow, self._add, self._leaked)
        self.below = MorePart(self.watch.more)
        self.keys, self.accounts = self._keys_part(), self._accounts_part()
        self._lay_out(self.head, self.head.search, self.keys, self.accounts)
        self._connect()
        self.refresh()

    # Its parts

    def _keys_part(self) -> LinesPart:
        view = LinesView("API keys", key_row_state.COLUMNS, {2: 120, 3: 178, 4: 146}, {2: 640, 3: 540})
        return LinesPart(view, Empty(*key_row_state.EMPTY, self._add_key), key_row_state.WAYS, self._act, self.below, 0)

    def _accounts_part(self) -> LinesPart:
        view = LinesView("Service accounts", account_row_state.COLUMNS, {2: 72, 3: 132}, {2: 440})
        return LinesPart(view, Empty(*account_row_state.EMPTY, self._add_account), account_row_state.WAYS, self._act_account)

    def _connect(self) -> None:
        self.head.search.textChanged.connect(lambda _: self.refresh())
        self.keys.view.chosen.connect(self._show_chosen)
        self.keys.view.opened.connect(lambda: self._act("edit"))
        self.keys.view.removed.connect(lambda: self._act("revoke"))
        self.keys.view.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.accounts.view.chosen.connect(self._show_chosen_account)
        self.accounts.view.opened.connect(lambda: self._act_account("edit"))
        self.accounts.view.removed.connect(lambda: self._act_account("delete"))

    # What it shows

    def refresh(self) -> None:
        known = self.watch.keys
        if not self._is_there(told=known.told):
            return
        self.parts.setCurrentIndex(self.head.place)
        sought = one_line(self.head.search.text(), 60)
        self._show_keys(sought)
        if self.head.place:
            accounts = [account_row_state.line(one, known) for one in known.found_accounts(sought)]
            self.accounts.show_lines(accounts, sought)
        self.head.show_counts(known.keys.count, known.accounts.count)
        self._show_said()
        self._show_chosen()
        self._show_chosen_account()

    def _show_keys(self, sought: str) -> None:
        known, at = self.watch.keys, now()
        rotating = key_row_state.rotating(known.keys.items, at)
        found = known.found_keys(sought, rotating=rotating)
        failure = self.watch.more_failure
        nothing = known.nothing_words(sought, has_failed=failure is not None)
        self.keys.show_lines(self._lines.lines(found, known, at), known.sought(sought), nothing)
        if known.is_partial(sought) and len(found) < FOUND_ENOUGH and failure is None:
            self.watch.more()
        self.below.show_more(
            sentences(failure.message, failure.fix) if failure else known.partial_words(sought, len(found)),
            has_more=known.keys.cursor is not None,
            is_asking=self.watch.is_getting_more,
            is_bad=failure is not None,
        )

    def _scrolled(self, value: int) -> None:
        if value > 0 and value >= self.keys.view.verticalScrollBar().maximum() - NEAR_THE_END and self.watch.more_failure is None:
            self.watch.more()

    def _show_chosen(self) -> None:
        known, at = self.watch.keys, now()
        one = known.keys.get(self.keys.view.chosen_id)
        actions = key_row_state.actions(one, known, at) if one is not None else []
        self.keys.show_chosen(actions, key_row_state.problem(one, known, at) if one is not None else "")
        self.below.show_facts(key_row_state.facts(one, known, at) if one is not None else "")

    def _show_chosen_account(self) -> None:
        known = self.watch.keys
        one = known.accounts.get(self.accounts.view.chosen_id)
        actions = account_row_state.actions(one, known) if one is not None else []
        self.accounts.show_chosen(actions, account_row_state.problem(one, known) if one is not None else "")

    # What it does

    def _add(self) -> None:
        (self._add_account if self.head.place else self._add_key)()

    def _add_key(self, account_id: str = "") -> None:
        self._say()
        dialog = KeyFormDialog(self.watch, parent=self, account_id=account_id)
        dialog.made.connect(self._show_made)
        self._open(dialog)

    def _show_made(self, made: Made, models: list[str] | None, *, is_rotated: bool = False) -> None:
        self.head.tabs[0].click()
        if self.watch.keys.asked_state not in ("", "active"):
            self.head.narrow.setCurrentIndex(self.head.narrow.findData("active"))
        self.keys.view.choose(made.id)
        self._open(MadeDialog(made, self.watch.endpoints, self.watch.offered, models, self, is_rotated=is_rotated))

    def _rotate(self, key: ApiKey) -> None:
        self._say()
        dialog = RotateDialog(self.watch, key, self)
        dialog.made.connect(partial(self._show_made, is_rotated=True))
        self._open(dialog)

    def _edit(self, key: ApiKey) -> None:
        self._say()
        self._open(KeyFormDialog(self.watch, key, self))

    def _leaked(self) -> None:
        self._say()
        self._open(LeakDialog(self.watch, self))

    def _act(self, verb: str) -> None:
        known = self.watch.keys
        one = known.keys.get(self.keys.view.chosen_id)
        if one is None or (why := key_row_state.why_not(verb, one, known, now())):
            self._say(why if one is not None else "")
            return
        if verb == "edit":
            self._edit(one)
        elif verb == "rotate":
            self._rotate(one)
        elif verb == "revoke":
            self._confirm(key_row_state.revoke_question(one, known), "Revoke", lambda: self.watch.revoke(one))

    def _add_account(self) -> None:
        self._open_account(AccountDialog(self.watch, parent=self))

    def _open_account(self, dialog: AccountDialog) -> None:
        self._say()
        dialog.saved.connect(self.accounts.view.choose)
        self._open(dialog)

    def _act_account(self, verb: str) -> None:
        known = self.watch.keys
        one = known.accounts.get(self.accounts.view.chosen_id)
        if one is None or (why := account_row_state.why_not(verb, one, known)):
            self._say(why if one is not None else "")
            return
        if verb == "edit":
            self._open_account(AccountDialog(self.watch, one, self))
        elif verb == "key":
            self._add_key(one.id)
        elif verb == "resume":
            self._say()
            self.watch.change_account(one, suspended=False)
        elif verb == "suspend":
            question = account_row_state.suspend_question(one)
            self._confirm(question, "Suspend", lambda: self.watch.change_account(one, suspended=True))
        elif verb == "delete":
            self._confirm(account_row_state.delete_question(one), "Delete", lambda: self.watch.delete_account(one))
