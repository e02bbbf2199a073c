"""A long list as the app knows it, without Qt: its first pages, and where the next one begins."""

from typing import Any, Generic, Protocol, TypeVar

import msgspec


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_HasId)


class Listed(Generic[T]):
    """`told`: it has come. `cursor`: of the next page; None: that was the last."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self.told = False
        self.items: list[T] = []
        self.cursor: str | None = None
        self._by_id: dict[str, T] = {}
        self._indexed: list[T] | None = None

    def take(self, items: list[Any], cursor: str | None) -> bool:
        """From its beginning. Whether it could be read."""
        found = self._read(items)
        if found is None:
            return False
        self.items, self.cursor, self.told = found, cursor, True
        return True

    def renew(self, items: list[Any], cursor: str | None) -> bool:
        """Its beginning, as it is now. What follows stays as it was, where both parts meet: a long list isn't asked for whole."""
        found = self._read(items)
        if found is None:
            return False
        places = {one.id: place for place, one in enumerate(self.items)}
        last = places.get(found[-1].id, -1) if found and cursor is not None else -1
        if last < 0:
            self.items, self.cursor = found, cursor
        else:
            new = {one.id for one in found}
            self.items = [*found, *(one for one in self.items[last + 1 :] if one.id not in new)]
            if last + 1 >= len(places):
                self.cursor = cursor
        self.told = True
        return True

    def add(self, items: list[Any], cursor: str | None) -> bool:
        """The next page. Who moved to it meanwhile isn't there twice."""
        found = self._read(items)
        if found is None:
            return False
        known = {one.id for one in self.items}
        self.items = [*self.items, *(one for one in found if one.id not in known)]
        self.cursor = cursor
        return True

    def put(self, item: Any) -> None:
        """One as it is now, where it is among them."""
        found = self._read([item])
        if found:
            self.items = [found[0] if one.id == found[0].id else one for one in self.items]

    def drop(self, its_id: str) -> None:
        self.items = [one for one in self.items if one.id != its_id]

    def get(self, its_id: str | None) -> T | None:
        if self._indexed is not self.items:  # `items` is never changed in place
            self._indexed, self._by_id = self.items, {one.id: one for one in self.items}
        return self._by_id.get(its_id or "")

    @property
    def count(self) -> str:
        """As far as it is known."""
        return f"{len(self.items):,}{'+' if self.cursor is not None else ''}" if self.told else ""

    def _read(self, items: list[Any]) -> list[T] | None:
        try:
            return msgspec.convert(items, list[self._kind])  # type: ignore[name-defined]
        except msgspec.ValidationError:
            return None


def page_of(body: Any) -> tuple[list[Any], str | None] | None:
    """Items and the next cursor; None where it can't be read."""
    if not isinstance(body, dict) or not isinstance(body.get("items"), list):
        return None
    cursor = body.get("next_cursor")
    return body["items"], str(cursor) if cursor else None


def has(words: str, texts: list[str]) -> bool:
    """Whether every word stands somewhere."""
    told = " ".join(texts).casefold()
    return all(word in told for word in words.casefold().split())
