"""The official `openai` package for Node against the shipped program: a smoke test of what most callers use."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.conftest import MakeAppliance
from tests.fakes.openai import embedding
from tests.running import Fake, environment
from tests.sdk.node_package import installed

SCRIPT = Path(__file__).parent / "openai_smoke.mjs"


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
