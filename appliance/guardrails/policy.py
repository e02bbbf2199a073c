"""A policy: what is done about which findings, in which direction. Read from TOML, checked whole, compiled once."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from appliance.guardrails.finding import ATTACKS, Finding

Action = Literal["allow", "flag", "tokenise", "mask", "block"]
Direction = Literal["input", "output"]
Group = Literal["PII", "SECRETS", "ATTACKS", "CUSTOM", "FILES"]
Form = Literal["label", "last4", "first6last4", "initial"]
FileAction = Literal["pass", "redact", "as_text", "block"]
STRICTNESS: dict[Action, int] = {"allow": 0, "flag": 1, "tokenise": 2, "mask": 3, "block": 4}
FILE_STRICTNESS: dict[FileAction, int] = {"pass": 0, "redact": 1, "as_text": 2, "block": 3}  # by how little of a file goes on
GROUPS = ("PII", "SECRETS", "ATTACKS", "CUSTOM", "FILES", "*")
GPS_LOCATION = "GPS_LOCATION"  # where a picture was taken, as its file says; personal data
HIDDEN_TEXT = "HIDDEN_TEXT"  # text in a file that nobody who looks at it sees; the group FILES
RULES_MAX = 200
EXAMPLES_MAX = 50
CUSTOM_MAX = 50
CUSTOM = "CUSTOM_"
TypeName = Annotated[str, Meta(pattern=r"^(\*|[A-Z][A-Z0-9_]{0,63}\*?)$")]
Example = Annotated[str, Meta(min_length=1, max_length=4_000)]
Examples = Annotated[list[Example], Meta(max_length=EXAMPLES_MAX)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`types`: names, beginnings of names (`SECRET_*`), or groups: PII, SECRETS, ATTACKS, CUSTOM, FILES, `*`."""

    types: Annotated[list[TypeName], Meta(min_length=1, max_length=100)]
    input: Annotated[Action, Meta(description="What is done with it on its way to a model.")] = "allow"
    output: Annotated[Action, Meta(description="And in what a model answers.")] = "allow"
    form: Annotated[Form, Meta(description="How much of a masked value remains.")] = "label"
    files: Annotated[
        FileAction | None,
        Meta(description="What becomes of a file with it on its way to a model; null: as the policy's `files` says."),
    ] = None
    min_score: Annotated[float, Meta(ge=0, le=1, description="Findings less sure than that don't count.")] = 0.5
    regulated: Annotated[bool, Meta(description="Part of what the pack's law speaks of: counted in its report.")] = False
    stays_here: Annotated[
        bool, Meta(description="A request with such a finding goes to models on this machine only (deployments marked local).")
    ] = False
    answers_to: Annotated[str, Meta(max_length=300, description="The article or requirement it answers to.")] = ""
    must_catch: Annotated[Examples, Meta(description="Texts in which it must find something.")] = []
    must_pass: Annotated[Examples, Meta(description="Texts in which it must find nothing.")] = []


class CustomExpression(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An administrator's own expression (guardrails/custom.py)."""

    name: Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]{0,40}$", description="What it finds is CUSTOM_ and this.")]
    regex: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1_000,
            description="In RE2's syntax: no look-around, no backreferences. ^ and $ are the ends of a line.",
            examples=[r"\bPRJ-[0-9]{4}\b"],
        ),
    ]
    description: Annotated[str, Meta(max_length=200)] = ""
    ignore_case: bool = False


class FilesForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What becomes of files on their way to a model: documents and images in requests."""

    found: Annotated[
        FileAction,
        Meta(
            description="Of a file with something that a rule masks or tokenises: it is replaced by its redacted version"
            " (`redact`) or by its text with that hidden (`as_text`), stopped (`block`), or passes as it is (`pass`). What a rule"
            " blocks is stopped, unless the rule's own `files` says otherwise."
        ),
    ] = "redact"
    unreadable: Annotated[
        Literal["block", "pass"], Meta(description="Of a file that can't be read, or not all of it: nobody knows what is in it.")
    ] = "block"
    require_full_sandbox: Annotated[
        bool,
        Meta(
            description="Files are read only where the machine confines their readers fully; elsewhere they count as unreadable."
        ),
    ] = False


class PolicyForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A policy as it is written."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    title: Annotated[str, Meta(max_length=200)] = ""
    description: Annotated[str, Meta(max_length=4_000)] = ""
    fail: Annotated[Literal["closed", "open"], Meta(description="What becomes of a request when an inspection fails.")] = "closed"
    system_prompts: Annotated[bool, Meta(description="Whether system prompts are inspected as well.")] = True
    not_found_here: Annotated[
        Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=50)],
        Meta(description="What the law names and no detector on this machine finds."),
    ] = []
    kept_days: Annotated[
        Annotated[int, Meta(ge=1, le=36_500)] | None,
        Meta(description="How long the ledger keeps requests under it at least, whatever the organisation's own rule."),
    ] = None
    custom: Annotated[list[CustomExpression], Meta(max_length=CUSTOM_MAX, description="Expressions of its own.")] = []
    files: Annotated[FilesForm | None, Meta(description="What becomes of files; null: the defaults.")] = None
    rules: Annotated[list[Rule], Meta(max_length=RULES_MAX)] = []


DEFAULT_FILES = FilesForm()


class Policy:
    """Ready for use. Of several rules that name a type the most exact one holds, and of equals the first."""

    def __init__(self, form: PolicyForm, version: int = 1) -> None:
        self.form = form
        self.name, self.version = form.name, version
        self.label = f"{form.name}@{version}"
        self._rules: dict[str, Rule | None] = {}
        self._custom = frozenset(CUSTOM + one.name for one in form.custom)

    def rule(self, type_name: str) -> Rule | None:
        """What holds for findings of a type; None: nothing does. Another policy's expressions are not its business."""
        if type_name.startswith(CUSTOM) and type_name not in self._custom:
            return None
        if type_name not in self._rules:
            best = max(((_exactness(named, type_name), -place, rule) for place, rule, named in self._named()), key=_first_two)
            self._rules[type_name] = best[2] if best[0] else None
        return self._rules[type_name]

    def _named(self) -> Iterable[tuple[int, Rule | None, str]]:
        yield len(self.form.rules), None, ""
        for place, rule in enumerate(self.form.rules):
            for named in rule.types:
                yield place, rule, named

    @property
    def tokenises(self) -> bool:
        """Some values come back to their caller."""
        return any(rule.input == "tokenise" for rule in self.form.rules)

    def action(self, finding: Finding, direction: Direction) -> Action:
        rule = self.rule(finding.type)
        if rule is None or finding.score < rule.min_score:
            return "allow"
        return rule.input if direction == "input" else rule.output

    def file_action(self, finding: Finding) -> FileAction:
        """What becomes of a file with it. What hides in a file and no rule names is told and nothing more."""
        action = self.action(finding, "input")
        rule = self.rule(finding.type)
        if action == "allow" or rule is None:
            return "pass"
        if rule.files is not None:
            return rule.files
        return "block" if action == "block" else "pass" if action == "flag" else self.files.found

    @property
    def files(self) -> FilesForm:
        return self.form.files or DEFAULT_FILES

    def shown_as(self, type_name: str, direction: Direction) -> Form:
        """How much remains of a value that is masked."""
        rule = self.rule(type_name)
        return rule.form if rule is not None else "label"

    def acts_on(self, types: Iterable[str], direction: Direction | None = None) -> bool:
        """Whether findings of any of these would come to anything."""
        rules = [rule for rule in map(self.rule, types) if rule is not None]
        if direction is None:
            return any(rule.input != "allow" or rule.output != "allow" for rule in rules)
        return any((rule.input if direction == "input" else rule.output) != "allow" for rule in rules)


def _first_two(entry: tuple[int, int, Rule | None]) -> tuple[int, int]:
    return entry[0], entry[1]


def _exactness(named: str, type_name: str) -> int:
    """0: it doesn't mean that type."""
    if named == type_name:
        return 1_000
    if named.endswith("*") and named != "*" and type_name.startswith(named[:-1]):
        return 100 + len(named)
    if named in GROUPS and named in (group_of(type_name), "*"):
        return 1 if named == "*" else 2
    return 0


def group_of(type_name: str) -> Group:
    if type_name in ATTACKS:
        return "ATTACKS"
    if type_name == HIDDEN_TEXT:
        return "FILES"
    return "SECRETS" if type_name.startswith("SECRET_") else "CUSTOM" if type_name.startswith(CUSTOM) else "PII"


def strictest(actions: Iterable[Action]) -> Action:
    return max(actions, key=STRICTNESS.__getitem__, default="allow")
