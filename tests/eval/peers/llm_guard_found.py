"""What those scanners of LLM Guard find that need no model: `… FOLDER OUTPUT`, by its own Python.

Its `Anonymize` loads a transformer when it is made, so its analyzer is put together here from the same parts, without that one.
"""

import importlib.metadata
import logging
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import found_file
import structlog
from blank_engine import blank_engine


def stand_in(name: str, **members: object) -> None:
    """For what is asked for on import and never used here: torch takes gigabytes."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module).update(members)
    sys.modules[name] = module


NOWHERE = SimpleNamespace(is_available=lambda: False)
stand_in("torch", cuda=NOWHERE, backends=SimpleNamespace(mps=NOWHERE), device=str, no_grad=lambda: lambda method: method)
stand_in("llm_guard.input_scanners.anonymize_helpers.transformers_recognizer", TransformersRecognizer=None)
stand_in("transformers")
stand_in("transformers.tokenization_utils", PreTrainedTokenizer=None)
stand_in("transformers.tokenization_utils_fast", PreTrainedTokenizerFast=None)

from llm_guard.input_scanners import anonymize, secrets  # noqa: E402 # behind the stand-ins
from llm_guard.input_scanners.anonymize_helpers import analyzer as analyzers  # noqa: E402
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry  # noqa: E402
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer  # noqa: E402

NOTE = (
    "Its scanners `Secrets`, and `Anonymize` with the types and the threshold that it has by default, without its recognition of "
    "names (NER). `PromptInjection` and its other classifiers need models that aren't on PyPI, and torch: not measured."
)
KINDS = [one for one in anonymize.DEFAULT_ENTITY_TYPES if one != "PERSON"]


def analyzer() -> AnalyzerEngine:
    """As in its `get_analyzer`."""
    engine, registry = blank_engine(), RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(nlp_engine=engine)
    registry = analyzers._add_recognizers(registry, anonymize.get_regex_patterns(None), [], ["en"])
    registry.remove_recognizer("SpacyRecognizer")
    enhancer = LemmaContextAwareEnhancer(context_similarity_factor=0.35, min_score_with_context_similarity=0.4)
    return AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=["en"], context_aware_enhancer=enhancer)


def main(folder: Path, output: Path) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    scanner, engine = secrets.Secrets(), analyzer()

    def pii(text: str) -> found_file.Found:
        found = engine.analyze(anonymize.Anonymize.remove_single_quotes(text), language="en", entities=KINDS, score_threshold=0.5)
        return [(one.entity_type, one.start, one.end, one.score) for one in found]

    def secret(text: str) -> found_file.Found:
        return [] if scanner.scan(text)[1] else [("secret", 0, len(text), 1.0)]

    about = {
        "name": "llm-guard",
        "title": f"LLM Guard {importlib.metadata.version('llm-guard')}",
        "note": NOTE,
        "claims": KINDS,
        "bounds": (0.5,),
    }
    pii_texts = list(found_file.texts_of(folder, "pii.jsonl", "pii_obfuscated.jsonl"))
    parts = {"pii": (pii, pii_texts), "secrets": (secret, list(found_file.texts_of(folder, "secrets.jsonl")))}
    found_file.write(output, about, parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
