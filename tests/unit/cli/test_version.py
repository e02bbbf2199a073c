"""`gatehouse version`."""

import json
import platform

from click.testing import CliRunner

from appliance import __version__
from appliance.cli.version import version


def test_the_versions_are_those_of_what_runs() -> None:
    done = CliRunner().invoke(version)
    assert done.exit_code == 0
    assert done.output.splitlines()[:2] == [f"gatehouse {__version__}", f"python {platform.python_version()}"]


def test_json_has_the_same() -> None:
    found = json.loads(CliRunner().invoke(version, ["--json"]).output)
    assert (found["gatehouse"], found["python"]) == (__version__, platform.python_version())
    assert isinstance(found["engines"], dict)
