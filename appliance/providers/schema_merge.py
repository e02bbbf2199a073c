"""Several schemas as one: `allOf`, and words beside `anyOf` or `$ref`. Refused where they can't simply be put together."""

from typing import Any

from appliance.providers.grammar_rules import GrammarRules
from appliance.providers.schema_words import DEPTH_MAX, SAYS_SOMETHING, listed, target, unsupported, wrong


class SchemaMerge:
    """Puts schemas of one document together."""

    def __init__(self, grammar: GrammarRules, document: Any) -> None:
        self._grammar = grammar
        self._document = document

    def all_of(self, schema: dict[str, Any], where: str) -> dict[str, Any]:
        branches = schema["allOf"]
        if not isinstance(branches, list) or not branches:
            raise wrong(where, "has an allOf that is no list of schemas")
        return self.merged([{word: value for word, value in schema.items() if word != "allOf"}, *branches], where)

    def merged(self, schemas: list[Any], where: str, depth: int = 0) -> dict[str, Any]:
        """One schema for values that satisfy all of them."""
        merged: dict[str, Any] = {}
        if depth > DEPTH_MAX:
            raise wrong(where, f"refers to itself without anything between, or is nested more than {DEPTH_MAX} deep")
        for schema in schemas:
            self._grammar.count_node(where)
            if schema is True:
                continue
            if not isinstance(schema, dict):
                raise wrong(where, "is no schema" if schema is not False else "allows nothing")
            flat = {word: value for word, value in schema.items() if word not in ("$ref", "allOf")}
            inner = list(listed(schema.get("allOf", []), where))
            if "$ref" in schema:
                inner.append(target(self._document, schema["$ref"], where))
            if inner:
                flat = self.merged([flat, *inner], where, depth + 1)
            for word, value in flat.items():
                self._put(merged, word, value, where)
        return merged

    def _put(self, merged: dict[str, Any], word: str, value: Any, where: str) -> None:
        if word not in SAYS_SOMETHING or word not in merged or self._is_same(merged[word], value, where):
            merged[word] = value
        elif word == "properties" and isinstance(value, dict) and isinstance(merged[word], dict):
            self._grammar.count_work(len(value) + len(merged[word]), where)
            both = {name: {"allOf": [merged[word][name], value[name]]} for name in value if name in merged[word]}
            merged[word] = {**merged[word], **value, **both}
        elif word == "required" and _are_names(value) and _are_names(merged[word]):
            self._grammar.count_work(len(value) + len(merged[word]), where)
            merged[word] = list(dict.fromkeys([*merged[word], *value]))
        elif word == "type" and sorted(map(str, (merged[word], value))) == ["integer", "number"]:
            merged[word] = "integer"
        else:
            raise unsupported(
                where, f"puts two different {word!r} together, which local models can't be held to", "Write them as one."
            )

    def _is_same(self, one: Any, other: Any, where: str) -> bool:
        if one is other:
            return True
        if isinstance(one, dict | list) and isinstance(other, dict | list):
            self._count(other, where)
        return bool(one == other)

    def _count(self, value: Any, where: str) -> None:
        """Count what a comparison may look at."""
        stack = [value]
        while stack:
            inner = stack.pop()
            self._grammar.count_work(1, where)
            if isinstance(inner, dict | list):
                self._grammar.count_work(len(inner), where)
                stack.extend(inner.values() if isinstance(inner, dict) else inner)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
