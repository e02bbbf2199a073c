"""How many readings of one text a grammar keeps open at once: bounded before an engine sees it.

llama.cpp follows every reading that is still possible, and each token costs it their number, or worse. Alternatives that
begin alike and nest multiply: ten levels of two array types are a thousand readings. Measured with SmolLM2-135M, one
thread: 500 readings 0.15 s a token, 2,000 more than a second.

What tells alternatives apart ends this: their JSON type, or the first properties of objects, by name or by const.
"""

from collections.abc import Iterable

import msgspec

READINGS_MAX = 512


class TooManyReadings(Exception):
    """`where` stands the union; `is_endless`: it leads back to itself, so that each level multiplies them anew."""

    def __init__(self, where: str, *, is_endless: bool = False) -> None:
        super().__init__(where)
        self.where = where
        self.is_endless = is_endless


class Member(msgspec.Struct, frozen=True):
    """A property of an object: its name, the rule of its value."""

    name: str
    rule: str
    is_required: bool


class Shape(msgspec.Struct, frozen=True):
    """What a rule allows, as far as telling it apart from others needs it.

    kinds:    JSON types; integer is number. Empty: those of `parts`.
    values:   the JSON texts allowed, where these are all.
    parts:    rules of an array's items, or the alternatives of a union or reference.
    members:  properties in the order they are written; None where it isn't known.
    other:    the rule of values of properties that aren't named.
    where:    the place in the schema.
    readings: of itself, without what is inside.
    """

    kinds: frozenset[str] = frozenset()
    values: frozenset[str] | None = None
    parts: tuple[str, ...] = ()
    members: tuple[Member, ...] | None = None
    other: str | None = None
    where: str = ""
    readings: int = 1

    @property
    def is_union(self) -> bool:
        return not self.kinds

    def rules(self, start: int = 0) -> list[str]:
        """All rules inside, properties from the one at `start` on."""
        rest = [member.rule for member in (self.members or ())[start:]]
        return [*self.parts, *rest, *([self.other] if self.other else [])]


class Readings:
    """The count, for the shapes of one grammar."""

    def __init__(self, shapes: dict[str, Shape]) -> None:
        self._shapes = shapes
        self._loop_of: dict[str, int] = {}
        self._loops: list[list[str]] = []
        self._counted: dict[int, int] = {}
        self._flat: dict[str, list[str]] = {}

    def check(self, root: str) -> None:
        """Errors: TooManyReadings."""
        self._find_loops(root)
        for number, loop in enumerate(self._loops):
            self._counted[number] = 0  # what its rules refer to within it: turning round adds nothing, or is refused
            self._counted[number] = max(self._rule(rule) for rule in loop)

    def _find_loops(self, root: str) -> None:
        """Number the sets of rules that lead to one another (Tarjan's algorithm, without recursion), innermost first."""
        order: dict[str, int] = {root: 0}
        low = {root: 0}
        path, open_rules = [(root, iter(self._shapes[root].rules()))], [root]
        while path:
            rule, following = path[-1]
            inner = next(following, None)
            if inner is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[rule])
                if low[rule] == order[rule]:
                    at = open_rules.index(rule)
                    self._loop_of |= dict.fromkeys(open_rules[at:], len(self._loops))
                    self._loops.append(open_rules[at:])
                    del open_rules[at:]
            elif inner not in order:
                order[inner] = low[inner] = len(order)
                open_rules.append(inner)
                path.append((inner, iter(self._shapes[inner].rules())))
            elif inner not in self._loop_of:
                low[rule] = min(low[rule], order[inner])

    def _inside(self, rule: str) -> int:
        return self._counted[self._loop_of[rule]]

    def _rule(self, rule: str) -> int:
        shape = self._shapes[rule]
        if not shape.is_union:
            return self._rest(rule, 0)
        found = 1
        for kind in sorted({kind for each in self._alternatives(rule) for kind in self._shapes[each].kinds}):
            alike = [each for each in self._alternatives(rule) if kind in self._shapes[each].kinds]
            found = max(found, self._alike(alike, rule))
        if found > READINGS_MAX:
            raise TooManyReadings(shape.where)
        return found

    def _alternatives(self, rule: str) -> list[str]:
        """The rules of a union, unions and references among them opened."""
        if rule not in self._flat:
            shape = self._shapes[rule]
            found = [each for part in shape.parts for each in self._alternatives(part)] if shape.is_union else [rule]
            self._flat[rule] = list(dict.fromkeys(found))
        return self._flat[rule]

    def _rest(self, rule: str, start: int) -> int:
        """Readings inside one alternative, from a property on: its names while one of them is written, then one value's."""
        shape = self._shapes[rule]
        return max([shape.readings, len((shape.members or ())[start:]), *(self._inside(each) for each in shape.rules(start))])

    def _alike(self, alike: list[str], union: str) -> int:
        """Readings for alternatives of one JSON type."""
        if len(alike) == 1:
            return self._rest(alike[0], 0)
        if any(self._shapes[each].members is None for each in alike):
            return self._together(((each, self._shapes[each].rules()) for each in alike), union)
        return self._objects(alike, 0, union)

    def _objects(self, alike: list[str], start: int, union: str) -> int:
        """For objects that were the same up to the property at `start`."""
        found = 1
        while len(alike) > 1:
            following = [self._next_members(each, start) for each in alike]
            if self._are_told_apart(alike, following):
                return max(
                    found, sum(map(len, following)), self._open_values(following), *(self._rest(each, start) for each in alike)
                )
            if (
                any(len(members) != 1 or not members[0].is_required for members in following)
                or len({members[0].name for members in following}) > 1
            ):
                return max(found, self._together(((each, self._shapes[each].rules(start)) for each in alike), union))
            now = [(each, [members[0].rule]) for each, members in zip(alike, following, strict=True)]
            found = max(found, self._together(now, union))
            groups = self._grouped(now)
            if len(groups) > 1:
                return max(found, *(self._objects(group, start + 1, union) for group in groups))
            start += 1
        return max(found, self._rest(alike[0], start))

    def _next_members(self, rule: str, start: int) -> list[Member]:
        """The properties of which one may come next."""
        found = []
        for member in (self._shapes[rule].members or ())[start:]:
            found.append(member)
            if member.is_required:
                break
        return found

    def _are_told_apart(self, alike: list[str], following: list[list[Member]]) -> bool:
        """Whether the next property, name and value, leaves one alternative."""
        if any(self._shapes[each].other for each in alike):
            return False
        by_name: dict[str, list[str]] = {}
        for members in following:
            for member in members:
                by_name.setdefault(member.name, []).append(member.rule)
        return all(self._differ(rules) for rules in by_name.values())

    def _open_values(self, following: list[list[Member]]) -> int:
        """Values of one property that are told apart only while they are written: all of them are open until then."""
        found: dict[str, int] = {}
        for member in (member for members in following for member in members):
            shapes = [self._shapes[each] for each in self._alternatives(member.rule)]
            own = sum(shape.readings for shape in shapes if shape.values is not None)
            found[member.name] = found.get(member.name, 0) + own
        return max(found.values(), default=0)

    def _differ(self, rules: list[str]) -> bool:
        """Whether no value is allowed by two of the rules."""
        whole_kinds: set[str] = set()
        kinds_of_values: set[str] = set()
        values: set[str] = set()
        for rule in rules:
            shapes = [self._shapes[each] for each in self._alternatives(rule)]
            whole = {kind for shape in shapes if shape.values is None for kind in shape.kinds}
            some = {kind for shape in shapes if shape.values is not None for kind in shape.kinds}
            own = {value for shape in shapes for value in shape.values or ()}
            if whole & (whole_kinds | kinds_of_values) or some & whole_kinds or own & values:
                return False
            whole_kinds |= whole
            kinds_of_values |= some
            values |= own
        return True

    def _grouped(self, now: list[tuple[str, list[str]]]) -> list[list[str]]:
        """Alternatives that the property's value doesn't tell apart stay together."""
        values = {each: frozenset(self._values(rule)) for each, (rule,) in now}
        different = set(values.values())
        if frozenset() in different or sum(map(len, different)) != len(frozenset().union(*different)):
            return [[each for each, _ in now]]
        return [[each for each, own in values.items() if own == group] for group in different]

    def _values(self, rule: str) -> Iterable[str]:
        """The JSON texts that a rule allows; none where it allows others too."""
        shapes = [self._shapes[each] for each in self._alternatives(rule)]
        return () if any(shape.values is None for shape in shapes) else (v for shape in shapes for v in shape.values or ())

    def _together(self, alternatives: Iterable[tuple[str, list[str]]], union: str) -> int:
        """Nothing tells them apart: the readings of all of them. Those that lead back to the union would multiply for ever."""
        found, own = 0, self._loop_of[union]
        for rule, rules in alternatives:
            if any(self._loop_of[each] == own for each in rules):
                raise TooManyReadings(self._shapes[union].where, is_endless=True)
            found += max([self._shapes[rule].readings, len(rules), *(self._inside(each) for each in rules)])
        return found
