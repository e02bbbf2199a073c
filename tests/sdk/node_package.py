"""OpenAI's SDK for Node, installed once a machine."""

import os
import shutil
import subprocess
from pathlib import Path

import platformdirs
import pytest

from tests.running import file_lock

PACKAGE = "openai@7.57.0"
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
