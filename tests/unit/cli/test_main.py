"""The list of commands, what each loads, and how a failure is shown."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

import appliance
from appliance.cli import main
from appliance.errors import ModelUnknown
from appliance.home import HomeError

ROOT = Path(__file__).resolve().parents[3]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`gatehouse …` in this process: its status, output and error output."""
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main.main(list(arguments))
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out, captured.err

    mask = os.umask(0o022)
    yield run
    os.umask(mask)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes `gatehouse version` fail in a chosen way."""

    def failing(error: BaseException) -> None:
        @click.command()
        def version() -> None:
            raise error

        module = ModuleType("failing_command")
        module.version = version  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "failing_command", module)
        monkeypatch.setitem(main.COMMANDS, "version", ("failing_command", "Fails.", False))

    return failing


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_can_be_loaded_and_explains_itself(run: Run, name: str) -> None:
    status, out, _ = run(name, "--help")
    assert status == 0
    assert out.startswith(f"Usage: gatehouse {name}")


def test_the_help_lists_every_command_that_people_use(run: Run) -> None:
    status, out, _ = run("--help")
    assert status == 0
    for name, (_, line, hidden) in main.COMMANDS.items():
        assert (f"  {name} " in out and line in out) is not hidden


@pytest.mark.parametrize("arguments", [[], ["models"], ["users"], ["owner"], ["keys"], ["service-accounts"]])
def test_no_line_of_the_help_is_cut_off(run: Run, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "..." not in run(*arguments, "--help")[1].partition("Commands:")[2]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_the_line_in_the_help_is_the_one_of_the_command(name: str) -> None:
    module = main.COMMANDS[name][0]
    command = getattr(__import__(module, fromlist=[name]), name.replace("-", "_"))
    assert command.help or command.short_help
    assert command.hidden is main.COMMANDS[name][2]


@pytest.mark.parametrize("arguments", [["version"], ["worker", "--help"], ["--help"]])
def test_a_small_command_loads_nothing_of_the_server(arguments: list[str]) -> None:
    code = "import sys; from appliance.cli.main import _run; _run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stderr.split())
    heavy = {"litestar", "aiohttp", "granian", "sqlalchemy", "structlog", "prometheus_client", "rich", "cryptography", "asyncio"}
    assert not loaded & heavy
    assert not {name for name in loaded if name.startswith(("appliance.api", "appliance.app", "appliance.store"))}


def test_a_command_that_does_not_exist_is_named_with_the_nearest(run: Run) -> None:
    status, _, err = run("docter")
    assert status == 2
    assert "Did you mean `gatehouse doctor`?" in err
    status, _, err = run("qqq")
    assert (status, "`gatehouse --help` lists them" in err) == (2, True)


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (HomeError("the home is odd", "Mend it."), 2, ["Error: the home is odd", "  Fix: Mend it."]),
        (ModelUnknown("no such model", fix="List them."), 1, ["Error: no such model", "  Fix: List them."]),
        (ModelUnknown("no such model"), 1, ["Error: no such model"]),
        (PermissionError(13, "Permission denied", "/x"), 1, ["Error: Permission denied: /x"]),
        (KeyError("a prompt"), 1, ["Error: a fault in Gatehouse itself (KeyError)"]),
        (click.UsageError("used wrongly"), 2, ["Error: used wrongly"]),
        (KeyboardInterrupt(), 130, ["Stopped."]),
    ],
)
def test_a_failure_is_a_line_that_says_what_and_one_that_mends(
    run: Run, failing: Callable[[BaseException], None], error: BaseException, status: int, lines: list[str]
) -> None:
    failing(error)
    found_status, out, err = run("version")
    assert found_status == status
    assert out.strip() == ""
    for line in lines:
        assert line in err.splitlines()
    assert "Traceback" not in err
    assert "a prompt" not in err


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_whatever_a_command_writes_is_its_owners_alone(run: Run, tmp_path: Path) -> None:
    run("version")
    (tmp_path / "file").touch()
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_debug_shows_where_it_arose(run: Run, failing: Callable[[BaseException], None]) -> None:
    failing(KeyError("x"))
    assert "Traceback" in run("--debug", "version")[2]


def test_python_m_appliance_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "appliance", "--version"], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == f"gatehouse {appliance.__version__}"


def test_the_version_is_the_one_that_the_package_is_built_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project.get("version", appliance.__version__) == appliance.__version__


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -m appliance settings --json | head -c 1'
    done = subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "GATEHOUSE_HOME": str(tmp_path)},
    )
    assert (done.stdout, done.stderr) == ("{", "")


def test_a_wrong_setting_stops_the_server_before_it_starts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "gatehouse.toml").write_text("\n\nprot = 9000\n")
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "serve"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "GATEHOUSE_HOME": str(home)},
        timeout=30,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"Error: {home / 'gatehouse.toml'}, line 3: there is no setting 'prot'",
        "  Fix: Did you mean port?",
    ]
