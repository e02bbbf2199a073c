"""JSON Schema → GBNF, the grammar that llama.cpp holds a model's output to.

Ours rather than an engine's, because it must never be half right: a keyword that a grammar can't enforce is refused by
name (where llama.cpp's own converters pass over it in silence), hostile schemas end here and not in native code, and
values that share beginnings share rules (3,000 enum values cost llama.cpp's converter 10 s for the first token).

What is generated always satisfies the schema; not everything that satisfies it can be generated: properties come in the
order declared, others only where `additionalProperties` asks for them, blanks are few, and oneOf is read as anyOf.

    schema_words      what the words of a schema must be, and the errors that name their place
    schema_merge      several schemas as one
    grammar_schema    a schema's rules; its numbers, patterns, words and sequences have files of their own
    grammar_rules     the rules, and the bounds on them
    grammar_shapes    how many readings of one text stay open
"""

from typing import Any

from appliance.providers.grammar_rules import GrammarRules
from appliance.providers.grammar_schema import SchemaRules
from appliance.providers.grammar_shapes import READINGS_MAX, Readings, TooManyReadings
from appliance.providers.schema_words import too_large, unsupported


class Grammar(GrammarRules):
    """A grammar under construction. One for each request."""

    def schema(self, schema: Any, where: str) -> str:
        """The rule for values of a schema; `where` is how errors name it.

        Errors:  InvalidField for a schema that is wrong or too large, FeatureUnsupported for what grammars can't do.
        """
        self.where = where
        try:
            rule = SchemaRules(self, schema, where).root()
            Readings(self.shapes).check(rule)
        except RecursionError:
            raise too_large(where, "is nested too deeply") from None
        except TooManyReadings as refused:
            raise _refused(refused) from refused
        return rule


def _refused(refused: TooManyReadings) -> Exception:
    fix = "Give each a first property, under one name, with a const of its own."
    if refused.is_endless:
        return unsupported(
            refused.where, "has alternatives that begin alike and lead back to it, which local models can't follow", fix
        )
    return unsupported(refused.where, f"has alternatives that begin alike, more than {READINGS_MAX} of them open at once", fix)
