"""`gatehouse owner`, `users`, `keys`: through a running server, and while none runs."""

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from granian.constants import Interfaces
from granian.server.embed import Server

from appliance.cli.keys import keys, lines_for_people
from appliance.cli.owner import owner
from appliance.cli.users import users
from appliance.cli.views import ListedKey
from appliance.errors import GatehouseError, KeyRevoked
from appliance.home import CannotStart, Control, Home, HomeBusy, HomeLock
from tests.fakes.clock import FakeClock
from tests.running import free_port
from tests.unit.api_admin.admin_app import CONTROL_TOKEN, admin_app
from tests.unit.identity.house import PASSWORD, House

COMMANDS = {"owner": owner, "users": users, "keys": keys}
OWNER = ("owner", "create", "--email", "ada@example.com", "--name", "Ada", "--password-stdin")

Gatehouse = Callable[..., Result]


@pytest.fixture
def gatehouse(home: Path, monkeypatch: pytest.MonkeyPatch) -> Gatehouse:
    """A command in this home. A failure is raised, as `gatehouse` itself would show it."""
    monkeypatch.setenv("GATEHOUSE_HOME", str(home))
    monkeypatch.setenv("GATEHOUSE_MASTER_KEY_SOURCE", "file")

    def run(command: str, *arguments: str, stdin: str = "") -> Result:
        result = CliRunner().invoke(COMMANDS[command], arguments, input=stdin, prog_name=f"gatehouse {command}")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


class RunningHouse:
    """A server of the admin routes in a thread of its own, holding the home as `gatehouse serve` does."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder).make()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.house: House | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.house = await House.open(self.home.root, FakeClock())
        address, port = self.url.removeprefix("http://").split(":")
        app: Any = admin_app(self.house)
        server = Server(app, address=address, port=int(port), interface=Interfaces.ASGINL, websockets=False, log_enabled=False)
        serving = asyncio.ensure_future(server.serve())
        while not serving.done():
            with contextlib.suppress(OSError):
                (await asyncio.open_connection(address, int(port)))[1].close()
                break
            await asyncio.sleep(0.01)
        self._ready.set()
        await self._stop.wait()
        server.stop()
        await asyncio.wait([serving], timeout=5)
        await self.house.close()

    def __enter__(self) -> "RunningHouse":
        self.lock = HomeLock.take(self.home)
        self._thread.start()
        assert self._ready.wait(10)
        self.home.write_control(Control(1, self.url, CONTROL_TOKEN))
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self.home.remove_control()
        self.lock.release()


@pytest.fixture(params=["no server", "running server"])
def either(
    request: pytest.FixtureRequest, home: Path, gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gatehouse]:
    """The command in a home without a server, and in one with a server: they behave alike."""
    if request.param == "no server":
        yield gatehouse
        return
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # a proxy is for the world, not for this machine
    with RunningHouse(home):
        yield gatehouse


def test_an_owner_a_key_a_list_a_new_password_and_a_revocation(either: Gatehouse) -> None:
    made = either(*OWNER, stdin=f"{PASSWORD}\n")
    assert "ada@example.com is an owner now" in made.output

    key = either("keys", "create", "CI", "--environment", "test", "--days", "30", "--email", "ADA@example.com")
    assert key.stdout.startswith("gh-test-")
    assert len(key.stdout.splitlines()) == 1  # so that KEY=$(gatehouse keys create CI) works
    assert "shown this once" in key.stderr
    either("keys", "create", "prometheus", "--scope", "metrics")

    listed = either("keys", "list").output.splitlines()
    assert [line.split("\t")[5:] for line in listed] == [
        ["metrics", "from anywhere", "prometheus", "nobody's in particular", "all", "", "0", ""],
        ["all but metrics", "from anywhere", "CI", "of ada@example.com", "all", "", "0", ""],
    ]
    assert key.stdout.strip() not in "".join(listed)
    shown = json.loads(either("keys", "list", "--json").output)
    assert [item["scopes"] for item in shown] == [["metrics"], []]

    assert "is revoked" in either("keys", "revoke", shown[1]["id"], shown[0]["id"]).output
    assert "revoked" in either("keys", "list").output
    assert (
        "has a new password"
        in either("users", "reset-password", "ada@example.com", "--password-stdin", stdin="new password\n").output
    )


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        ((*OWNER[:3], "nobody", *OWNER[4:]), PASSWORD, "email is not an e-mail address"),
        (OWNER, "short", "shorter than 8"),
        (OWNER, "", "shorter than 8"),
        (("users", "reset-password", "nobody@example.com", "--password-stdin"), PASSWORD, "no account has this e-mail address"),
        (("keys", "create", "a\u202eb"), "", "can't be seen"),
        (("keys", "create", "CI", "--email", "nobody@example.com"), "", "no account has this e-mail address"),
        (("keys", "revoke", "gh-dev-abc"), "", r"give the id \(key_…\), not the key"),
        (("keys", "revoke", "key_unknown"), "", "there is no such API key"),
        (("keys", "revoke", "../auth/login"), "", "there is no"),
    ],
)
def test_what_can_not_be_is_refused_alike(either: Gatehouse, arguments: tuple[str, ...], stdin: str, said: str) -> None:
    with pytest.raises(GatehouseError, match=said) as refused:
        either(*arguments, stdin=f"{stdin}\n")
    assert refused.value.fix


def test_an_account_that_is_there_is_given_a_new_password_instead(either: Gatehouse) -> None:
    either(*OWNER, stdin=f"{PASSWORD}\n")
    with pytest.raises(GatehouseError, match="has this e-mail address already") as refused:
        either(*OWNER, stdin=f"{PASSWORD}\n")
    assert "`gatehouse users reset-password ada@example.com`" in refused.value.fix


def test_without_a_terminal_nobody_is_asked_who_the_owner_is(gatehouse: Gatehouse) -> None:
    with pytest.raises(GatehouseError, match="needs --email and --name"):
        gatehouse("owner", "create")


def test_a_list_of_keys_fits_a_terminal_and_keeps_the_ids_whole() -> None:
    key_id = f"key_{'x' * 24}"
    key = ListedKey(key_id, "n" * 90, "development", "gh-dev-0qqd", ["chat"], True, None, "2026-01-02T", "2026-01-09T", None)
    key.holder, key.service_account_id, key.models = "w" * 90, "sa_x", [f"a-provider/a-model-{number}" for number in range(12)]
    key.requests, key.success_rate, key.last_used_at = 10_000, 0.99999, "2026-01-02T03:04:05.678Z"
    lines = lines_for_people([key], "2026-01-03T", 80)
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith(f"{key_id}  gh-dev-0qqd  until 2026-01-09  nnn")
    assert lines[1].endswith("n…")
    assert lines[2] == "    development, made 2026-01-02; may use: chat; this machine only"
    assert lines[3].startswith("    of the service account www")
    assert "a-provider/a-model-9 and 2 more" in " ".join(" ".join(lines[3:]).split())
    assert lines[-1] == "    last used 2026-01-02 03:04 UTC; 10,000 requests, 99.9 % answered"


def test_a_running_server_knows_at_once_what_a_command_changed(home: Path, gatehouse: Gatehouse) -> None:
    with RunningHouse(home) as running:
        secret = gatehouse("keys", "create", "CI").stdout.strip()
        assert running.house is not None
        caller = running.house.identify(secret)
        assert caller.key_id is not None
        gatehouse("keys", "revoke", caller.key_id)
        with pytest.raises(KeyRevoked):
            running.house.identify(secret)


def test_a_password_is_never_an_argument(gatehouse: Gatehouse) -> None:
    result = gatehouse("owner", "create", "--email", "a@example.com", "--name", "Ada", "--password", PASSWORD)
    assert result.exit_code == 2
    assert "No such option" in result.output


def test_without_a_terminal_the_password_is_wanted_on_stdin(gatehouse: Gatehouse) -> None:
    result = gatehouse("owner", "create", "--email", "a@example.com", "--name", "Ada", stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 2
    assert "--password-stdin" in result.output


def test_a_server_that_is_just_starting_is_not_gone_around(home: Path, gatehouse: Gatehouse) -> None:
    with HomeLock.take(Home(home).make()), pytest.raises(HomeBusy, match="no server says how to reach it"):
        gatehouse("keys", "list")


def test_a_server_that_does_not_answer_is_told(home: Path, gatehouse: Gatehouse) -> None:
    made = Home(home).make()
    with HomeLock.take(made):
        made.write_control(Control(1, f"http://127.0.0.1:{free_port()}", "token"))
        with pytest.raises(CannotStart, match="does not answer"):
            gatehouse("keys", "list")


def test_another_servers_token_is_refused(home: Path, gatehouse: Gatehouse) -> None:
    with RunningHouse(home) as running:
        running.home.write_control(Control(1, running.url, "token of yesterday"))
        with pytest.raises(GatehouseError, match="sign-in token"):
            gatehouse("keys", "list")


def test_an_empty_list_says_what_to_do(gatehouse: Gatehouse) -> None:
    assert "gatehouse keys create NAME" in gatehouse("keys", "list").output


def test_more_keys_than_a_page_are_all_listed(either: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("control", "organisation"):
        monkeypatch.setattr(f"appliance.cli.{module}.A_PAGE", 2)
    for number in range(5):
        either("keys", "create", f"key{number}")
    assert [item["name"] for item in json.loads(either("keys", "list", "--json").output)] == [f"key{n}" for n in range(4, -1, -1)]


def test_asking_for_help_loads_nothing_of_the_server(home: Path) -> None:
    program = (
        "import sys\nfrom appliance.cli.main import gatehouse\n"
        "gatehouse.main(['keys', 'create', '--help'], standalone_mode=False)\n"
        "assert not {'sqlalchemy', 'litestar', 'cryptography'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
