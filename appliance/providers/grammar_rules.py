"""The rules of a GBNF grammar under construction, with bounds on what schemas may make of it."""

from appliance.errors import InvalidField
from appliance.providers import grammar_numbers
from appliance.providers.grammar_shapes import Shape
from appliance.providers.grammar_words import CHARACTER
from appliance.providers.schema_words import too_large

NODES_MAX = 2_000
VALUES_MAX = 10_000  # of all enums together: 0.05 s to make, and no slower for the engine than none
WORK_MAX = 200_000  # values looked at while schemas are put together: 0.1 s
# 10,000 values of 30 characters need 360,000. The engine reads 500,000 in 0.05 s, and they fit a worker's frame many times.
GRAMMAR_CHARACTERS_MAX = 512 * 1024

BLANK = '" "?'
_BASE = {
    "string": f'"\\"" {CHARACTER}* "\\""',
    "number": grammar_numbers.NUMBER,
    "integer": grammar_numbers.INTEGER,
    "boolean": '"true" | "false"',
    "null": '"null"',
    "array": f'"[" (value ("," {BLANK} value)*)? "]"',
    "object": f'"{{" (string ":" {BLANK} value ("," {BLANK} string ":" {BLANK} value)*)? "}}"',
    "value": "string | number | boolean | null | array | object",
}
_KINDS = frozenset(("string", "number", "boolean", "null", "array", "object"))
_FORMATS = {
    "date": "date",
    "time": "time",
    "date-time": 'date "T" time',
    "uuid": "[0-9a-f]{8} " + '"-" [0-9a-f]{4} ' * 3 + '"-" [0-9a-f]{12}',
}
FORMATS = frozenset(_FORMATS)
_DATE = '[12] [0-9]{3} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8])'  # days that every month has
_ZONE = '("Z" | [+-] ("0" [0-9] | "1" [0-3]) ":" [0-5] [0-9])'
_TIME = f'([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{{1,6}})? {_ZONE}'


class GrammarRules:
    """Named rules. One set for each request.

    shapes:  of the rules that stand for values.
    where:   the schema whose rules are being made, for errors.
    """

    def __init__(self) -> None:
        self.where = ""
        self.shapes: dict[str, Shape] = {}
        self._rules: dict[str, str] = {}
        self._count = 0
        self._nodes = 0
        self._values = 0
        self._work = 0
        self._characters = 0

    def rule(self, expression: str, name: str = "r", shape: Shape | None = None) -> str:
        """Give an expression a name, and return that. Errors: InvalidField when the grammar became too large."""
        self._count += 1
        name = f"{name}-{self._count}"
        self.define(name, expression, shape)
        return name

    def define(self, name: str, expression: str, shape: Shape | None = None) -> None:
        """Give a name, made earlier for the sake of those who refer to it, its expression."""
        self._characters += len(expression) + len(name) + 6
        if self._characters > GRAMMAR_CHARACTERS_MAX:
            raise self._too_large()
        self._rules[name] = expression
        if shape is not None:
            self.shapes[name] = shape

    def base(self, name: str) -> str:
        """A JSON type of any content, and what it needs."""
        if name not in self._rules:
            self._rules[name] = _BASE[name]
            kinds = {"value": _KINDS, "integer": frozenset(("number",))}.get(name, frozenset((name,)))
            self.shapes[name] = Shape(kinds)
            needed = {"array": ("value",), "object": ("value", "string"), "value": tuple(_BASE)}.get(name, ())
            for other in needed:
                self.base(other)
        return name

    def formatted(self, name: str) -> str:
        """The expression of a text of one of FORMATS."""
        for needed, expression in (("date", _DATE), ("time", _TIME)):
            self._rules.setdefault(needed, expression)
        return f'"\\"" {_FORMATS[name]} "\\""'

    def text(self, root: str) -> str:
        """The whole grammar, to begin with the expression `root`. Errors: InvalidField when it became too large."""
        text = "\n".join([f"root ::= {root}", *(f"{name} ::= {expression}" for name, expression in self._rules.items())])
        if len(text) > GRAMMAR_CHARACTERS_MAX:
            raise self._too_large()
        return text

    def count_node(self, where: str) -> None:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise too_large(where, f"has more than {NODES_MAX} parts")

    def count_values(self, count: int, where: str) -> None:
        self._values += count
        if self._values > VALUES_MAX:
            raise too_large(where, f"has more than {VALUES_MAX} values in its enums")

    def count_work(self, count: int, where: str) -> None:
        self._work += count
        if self._work > WORK_MAX:
            raise too_large(where, f"puts more than {WORK_MAX} values together with allOf, anyOf and $ref")

    def _too_large(self) -> InvalidField:
        return InvalidField(
            f"the schemas make a grammar of more than {GRAMMAR_CHARACTERS_MAX} characters, too large for a local model",
            param=self.where,
            fix="Send a smaller schema, or ask another model.",
        )
