"""In which texts detect-secrets finds something: `… FOLDER OUTPUT`, by its own Python."""

import importlib.metadata
import sys
import tempfile
from pathlib import Path

import found_file
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

NOTE = "All of its plugins and filters as they come; nothing is verified over the network. Each text is a file without a suffix."


def find(text: str) -> found_file.Found:
    with tempfile.TemporaryDirectory() as folder, default_settings():
        path, secrets = Path(folder) / "text", SecretsCollection()
        path.write_text(text, encoding="utf-8")
        secrets.scan_file(str(path))
        return [(one.type, 0, len(text), 1.0) for _, one in secrets]


def main(folder: Path, output: Path) -> None:
    about = {"name": "detect-secrets", "title": f"detect-secrets {importlib.metadata.version('detect-secrets')}", "note": NOTE}
    texts = list(found_file.texts_of(folder, "secrets.jsonl"))
    found_file.write(output, {**about, "claims": []}, {"secrets": (find, texts)})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
