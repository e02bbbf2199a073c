"""What Presidio finds, with all of its recognizers that need no model and no service: `… FOLDER OUTPUT`, by its own Python."""

import importlib.metadata
import inspect
import sys
from pathlib import Path

import found_file
import presidio_analyzer.predefined_recognizers as predefined
from blank_engine import blank_engine
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry

NOTE = (
    "All recognizers that it has, those of other countries and those that are off by default included, on English settings. Its "
    "recognition of names (NER) is off: a blank spaCy pipeline, as the models aren't on PyPI; so no names and addresses."
)

BOUNDS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)


def recognizers() -> list[EntityRecognizer]:
    made = []
    for _, kind in inspect.getmembers(predefined, inspect.isclass):
        if issubclass(kind, EntityRecognizer) and ".nlp_engine_recognizers" not in kind.__module__:
            try:
                made.append(kind(supported_language="en"))
            except (ImportError, ValueError, TypeError):  # wants a model, a service, or is a base of others
                continue
    return made


def main(folder: Path, output: Path) -> None:
    version, every = importlib.metadata.version("presidio-analyzer"), recognizers()
    analyzer = AnalyzerEngine(registry=RecognizerRegistry(recognizers=every), nlp_engine=blank_engine())

    def find(text: str) -> found_file.Found:
        return [(one.entity_type, one.start, one.end, one.score) for one in analyzer.analyze(text, language="en")]

    texts = list(found_file.texts_of(folder, "pii.jsonl", "pii_obfuscated.jsonl"))
    claims = sorted({kind for one in every for kind in one.supported_entities})
    about = {"name": "presidio", "title": f"Presidio {version}", "note": NOTE, "claims": claims, "bounds": BOUNDS}
    found_file.write(output, about, {"pii": (find, texts)})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
