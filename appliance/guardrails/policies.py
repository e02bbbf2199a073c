"""Policies and assignments of the database: one transaction a change, and it counts from the very next request on.

Those that ship stand among them: a new release's text of one is its next version, so that what was in force at any time is told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock
from appliance.errors import InvalidField, NotFound
from appliance.guardrails.policy import PolicyForm
from appliance.guardrails.policy_book import Assignment, Mode, PolicyBook, StoredPolicy, Subject
from appliance.guardrails.policy_changes import (
    assignment,
    base_checked,
    is_the_same,
    named,
    own,
    refuse_beyond,
    refuse_in_use,
    refuse_large,
    refuse_taken,
)
from appliance.guardrails.policy_files import shipped
from appliance.guardrails.policy_rows import (
    PolicyVersion,
    delete_assignment,
    kept_days,
    make_own,
    mark_removed,
    read_book,
    versions_of,
    write_assignment,
    write_version,
)
from appliance.store.engine import Database, to_the_end
from appliance.store.state import raise_state_version

DEFAULT = "default"  # what the setting says where nobody has changed it
RELEASE = "release"  # as the audit names who made the next version of one that ships
Write = Callable[[AsyncConnection, int], Awaitable[None]]


class Policies:
    """One an appliance. `open` it before anything asks.

    publish: called with the new book after each change.
    check:   whether a policy's own examples and expressions hold; it takes the detectors. Errors: InvalidField.
    users:   names of routes that give themselves this policy.
    """

    def __init__(self, db: Database, clock: Clock, base: str) -> None:
        self.book = PolicyBook(base=base)
        self.publish: Callable[[PolicyBook], None] = lambda book: None
        self.check: Callable[[PolicyForm], Awaitable[None]]
        self.users: Callable[[str], list[str]] = lambda name: []
        self._base = base
        self._db = db
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def open(self, folder: Path) -> None:
        """Take in what ships and read the book. Errors: CannotStart: the setting names no policy; DatabaseUnusable."""
        async with self._db.read() as connection:
            book = await read_book(connection, self._base)
        forms = {policy.name: policy.form for policy in shipped(folder)}
        new = [form for name, form in forms.items() if _is_news(book.policies.get(name), form)]
        gone = [one for one in book.policies.values() if one.source == "shipped" and one.policy.name not in forms]
        if new or gone:
            async with self._db.transaction() as tx:
                await self._take_in(tx, book, new, gone)
                book = await read_book(tx, self._base)
        self.book = base_checked(book)
        await self._tell_of_base()

    async def _tell_of_base(self) -> None:
        """The setting is changed outside of the program: that it is another one now is in the audit all the same."""
        async with self._db.read() as connection:
            told = await audit.last_target(connection, "policy.base") or DEFAULT
        if told != self._base:
            async with self._db.transaction() as tx:
                await self._record(tx, "settings", "policy.base", self._base, {"before": told}, self._clock.now_ms())

    async def _take_in(
        self, tx: AsyncConnection, book: PolicyBook, new: Iterable[PolicyForm], gone: Iterable[StoredPolicy]
    ) -> None:
        now = self._clock.now_ms()
        for form in new:
            version = await write_version(tx, form, source="shipped", by=RELEASE, now=now)
            if version > 1:
                await self._record(tx, RELEASE, "policy.change", form.name, {"version": version}, now)
        await make_own(tx, (one.number for one in gone))  # rather than to leave anybody without

    # What there is

    def names(self) -> list[str]:
        return sorted(self.book.policies)

    def named(self, name: str, param: str = "name") -> StoredPolicy:
        """Errors: NotFound."""
        return named(self.book, name, param)

    def is_in_force(self, name: str) -> bool:
        """Some requests are under it, or it is recorded what it would do with them."""
        return name == self.book.base or bool(self.book.assigned(name)) or bool(self.users(name))

    async def versions(self, name: str, *, limit: int, before: int | None = None) -> list[PolicyVersion]:
        """Those of a policy, the newest first. Errors: NotFound."""
        async with self._db.read() as connection:
            return await versions_of(connection, self.named(name).number, limit=limit, before=before)

    async def kept_under(self) -> dict[str, int]:
        """The days that requests stay in the ledger at least, by the name it has for what they were under."""
        async with self._db.read() as connection:
            return await kept_days(connection)

    # Changes

    async def make(self, actor: str, form: PolicyForm) -> StoredPolicy:
        """Errors: Conflict, InvalidField."""
        return await to_the_end(self._made(actor, form))

    async def _made(self, actor: str, form: PolicyForm) -> StoredPolicy:
        async with self._one_at_a_time:
            refuse_taken(self.book, form.name)
            refuse_beyond(self.book)
            refuse_large(form)
            await self.check(form)
            return await self._written(actor, "policy.create", form)

    async def change(
        self, actor: str, name: str, decide: Callable[[PolicyForm], PolicyForm], *, version: int | None = None
    ) -> StoredPolicy:
        """What `decide` makes of it as it stands when it is our turn.

        Errors:  NotFound, Conflict, PreconditionFailed, InvalidField.
        """
        return await to_the_end(self._changed(actor, name, decide, version))

    async def _changed(
        self, actor: str, name: str, decide: Callable[[PolicyForm], PolicyForm], version: int | None
    ) -> StoredPolicy:
        async with self._one_at_a_time:
            before = own(self.book, name, version)
            form = decide(before.policy.form)
            if form.name != name:
                raise InvalidField(
                    "a policy keeps its name: requests and assignments name it",
                    param="name",
                    fix="Make a copy with the other name.",
                )
            if is_the_same(before, form):
                return before
            refuse_large(form)
            await self.check(form)
            return await self._written(actor, "policy.change", form)

    async def restore(self, actor: str, name: str, version: int) -> StoredPolicy:
        """An earlier version's text as the next version. Errors: NotFound, Conflict, InvalidField."""
        found = [one for one in await self.versions(name, limit=1, before=version + 1) if one.version == version]
        if not found:
            raise NotFound(f"{name} has no version {version}", param="version", fix="Its versions are listed under …/versions.")
        return await self.change(actor, name, lambda form: found[0].policy)

    async def remove(self, actor: str, name: str, *, version: int | None = None) -> None:
        """Its versions stay. Errors: NotFound, Conflict, PreconditionFailed."""

        async def removed() -> None:
            async with self._one_at_a_time:
                before = own(self.book, name, version)
                refuse_in_use(self.book, name, self.users(name))

                async def write(tx: AsyncConnection, now: int) -> None:
                    await mark_removed(tx, before.number, now)
                    await self._record(tx, actor, "policy.remove", name, {"version": before.policy.version}, now)

                await self._write(write)

        await to_the_end(removed())

    async def assign(self, actor: str, subject: Subject, policy: str, mode: Mode) -> Assignment:
        """Put a subject under a policy, or its assignment under another mode. Errors: NotFound, InvalidField."""

        async def assigned() -> Assignment:
            async with self._one_at_a_time:
                stored = named(self.book, policy, param="policy")
                wanted = assignment(self.book, subject, mode)

                async def write(tx: AsyncConnection, now: int) -> None:
                    await write_assignment(tx, wanted, stored.number, mode, now)
                    detail: audit.Detail = {"policy": policy, "mode": mode, "subject": subject.kind}
                    await self._record(tx, actor, "policy.assign", subject.id or subject.kind, detail, now)

                await self._write(write)
                return next(one for one in self.book.assigned(policy) if one.subject == wanted)

        return await to_the_end(assigned())

    async def unassign(self, actor: str, assignment_id: str) -> None:
        """Errors: NotFound."""

        async def unassigned() -> None:
            async with self._one_at_a_time:
                found = next((one for one in self.book.assignments if one.id == assignment_id), None)
                if found is None:
                    raise NotFound(
                        "there is no such assignment",
                        param="assignment_id",
                        fix="GET /api/v1/admin/policy-assignments lists them.",
                    )
                gone = found

                async def write(tx: AsyncConnection, now: int) -> None:
                    await delete_assignment(tx, gone.number)
                    detail: audit.Detail = {"policy": gone.policy, "mode": gone.mode, "subject": gone.subject.kind}
                    await self._record(tx, actor, "policy.unassign", gone.subject.id or gone.subject.kind, detail, now)

                await self._write(write)

        await to_the_end(unassigned())

    async def _written(self, actor: str, action: str, form: PolicyForm) -> StoredPolicy:
        async def write(tx: AsyncConnection, now: int) -> None:
            version = await write_version(tx, form, source="own", by=actor, now=now)
            detail: audit.Detail = {"version": version, "fail": form.fail}
            await self._record(tx, actor, action, form.name, detail, now)

        await self._write(write)
        return self.named(form.name)

    async def _write(self, write: Write) -> None:
        async with self._db.transaction() as tx:
            await write(tx, self._clock.now_ms())
            await raise_state_version(tx)
            book = await read_book(tx, self._base)
        self.book = book
        self.publish(book)

    async def _record(self, tx: AsyncConnection, actor: str, action: str, target: str, detail: audit.Detail, now: int) -> None:
        await audit.append(tx, actor=actor, action=action, target=target, detail=detail, at_ms=now)


def _is_news(stored: StoredPolicy | None, form: PolicyForm) -> bool:
    """A text of ours that isn't there as it is; an administrator's own of that name stays theirs."""
    return stored is None or (stored.source == "shipped" and not is_the_same(stored, form))
