"""The official `openai` package for Node against the shipped program: a smoke test of what most callers use."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import platformdirs
import pytest

from tests.conftest import MakeAppliance
from tests.fakes.openai import embedding
from tests.running import Fake, environment, file_lock

PACKAGE = "openai@7.57.0"
SCRIPT = Path(__file__).parent / "openai_smoke.mjs"
INSTALL_SECONDS_MAX = 90


def installed() -> Path:
    """A folder with the package in it; installed once a machine. Skips, saying why, where that can't be had."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = Path(os.environ.get("GATEHOUSE_TEST_CACHE") or platformdirs.user_cache_path("gatehouse-tests")) / PACKAGE
    with file_lock(folder.with_suffix(".lock")):
        if not (folder / "node_modules" / "openai" / "package.json").exists():
            folder.mkdir(parents=True, exist_ok=True)
            command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), PACKAGE]
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False)
            if done.returncode != 0:
                pytest.skip(f"npm could not install {PACKAGE}: {done.stderr.strip().splitlines()[-1:]}")
    return folder


def test_the_node_sdk_works_with_its_base_url_set(appliances: MakeAppliance, upstream: Fake) -> None:
    folder = installed()
    door = appliances(settings={"providers": [upstream.provider("fake")]})
    script = shutil.copy(SCRIPT, folder / f"{os.getpid()}.mjs")  # Node looks for packages beside the script
    try:
        done = subprocess.run(
            ["node", str(script)],
            env=environment(
                {
                    "BASE_URL": f"{door.url}/v1",
                    "API_KEY": door.api_key,
                    "MODEL": "fake/gpt-4o",
                    "EMBEDDING_MODEL": "fake/text-embedding-3-small",
                    "LIMITED_MODEL": "fake/fault-429",
                    "CUT_MODEL": "fake/fault-cut",
                }
            ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        Path(script).unlink()
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert got["whole"] == got["streamed"] == "You said: Hello there"
    assert got["usage"] == 10
    assert got["tool"] == {"name": "add", "arguments": '{"a": 7}'}
    assert got["embedding"] == embedding("one", 4)
    assert "fake/gpt-4o" in got["models"]
    assert got["unknown"] == ["NotFoundError", 404, "model_not_found"]
    assert got["limited"] == ["RateLimitError", 429, "upstream_rate_limited"]
    assert got["stranger"] == ["AuthenticationError", 401, "invalid_api_key"]
    assert got["cut"] == "upstream_cut"
