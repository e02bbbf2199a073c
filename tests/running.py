"""The shipped program as a process: started, watched, stopped, checked for leftovers. And the fakes, likewise."""

import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import tomlkit

from appliance.local import engine_choice
from appliance.local.engines.engine import seats
from tests.calls import Answer, Client
from tests.fakes.certificates import Certificates
from tests.fakes.wire import Seen

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS_MAX = 30
STOP_SECONDS_MAX = 40
PASSWORD = "Password123!"
# What a program may inherit from whoever runs the tests: nothing that configures it or holds a credential.
# GATEHOUSE_LOCAL_ENGINE chooses the engine under test: `make test-llama`.
ENVIRONMENT_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "GATEHOUSE_LOCAL_ENGINE")


def local_seats(parallel: int) -> int:
    """How many requests a local model answers at once, with the engine that the tests' appliances use."""
    return seats(engine_choice.choice(os.environ.get("GATEHOUSE_LOCAL_ENGINE", "auto")).name or "", parallel)


class ProgramFailed(AssertionError):
    """The program did not do as it should; the message ends with what it last said."""


def free_port() -> int:
    """A port that nobody listens on, below the range from which outgoing connections take theirs."""
    for _ in range(200):
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port in 200 tries")


def eventually(condition: Callable[[], Any], seconds: float = 10, every: float = 0.02) -> Any:
    """What `condition` gives once it is true. For things that another process does in its own time."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"did not come true within {seconds} s; last: {found!r}")
        time.sleep(every)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ENVIRONMENT_KEPT or name.startswith("COVERAGE_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **(extra or {})}


class NetworkNamespace:
    """A network of its own: every port is free there, and addresses that are not loopback can be had without a card.

    Needs root, or user namespaces; `NetworkNamespace.refusal()` says what is in the way.
    """

    LAN_ADDRESS = "192.0.2.77"  # from the range that is reserved for examples; it exists inside only

    def __init__(self) -> None:
        # cat ends with this process, however it ends, since its standard input does.
        self._holder = subprocess.Popen(["unshare", *self._map_root(), "-n", "cat"], stdin=subprocess.PIPE)
        eventually(lambda: Path(f"/proc/{self._holder.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink())
        eventually(lambda: Path(f"/proc/{self._holder.pid}/comm").read_text().strip() == "cat")
        for arguments in (["link", "set", "lo", "up"], ["addr", "add", f"{self.LAN_ADDRESS}/32", "dev", "lo"]):
            subprocess.run([*self.prefix, "ip", *arguments], check=True)

    @staticmethod
    def _map_root() -> list[str]:
        return [] if os.geteuid() == 0 else ["-r"]

    @classmethod
    def refusal(cls) -> str:
        """Why there can't be one here; empty where there can."""
        for tool in ("unshare", "nsenter", "ip", "curl"):
            if shutil.which(tool) is None:
                return f"{tool} is not installed"
        tried = subprocess.run(
            ["unshare", *cls._map_root(), "-n", "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False
        )
        return tried.stderr.strip() if tried.returncode else ""

    @property
    def prefix(self) -> list[str]:
        """Put before a command, makes it run inside. The process stays the one that was started."""
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        return ["nsenter", "-t", str(self._holder.pid), *user, "-n", "--"]

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, *command], capture_output=True, text=True, env=environment(env), timeout=120, check=False
        )

    def call(self, method: str, url: str, body: Any = None, *, token: str | None = None) -> Answer:
        """A call from inside, by curl."""
        command = ["curl", "-sS", "-i", "-X", method, url, "-H", "Content-Type: application/json"]
        if token is not None:
            command += ["-H", f"Authorization: Bearer {token}"]
        if body is not None:
            command += ["-d", json.dumps(body)]
        done = self.run(*command)
        assert done.returncode == 0, done.stderr
        head, _, text = done.stdout.partition("\n\n")
        status_line, *lines = head.splitlines()
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Answer(int(status_line.split()[1]), headers, text.encode())

    def close(self) -> None:
        assert self._holder.stdin is not None
        self._holder.stdin.close()
        self._holder.wait(10)


class Colleague(NetworkNamespace):
    """A second machine, on one cable with the first: the network between them is real, routing and all."""

    HOST_ADDRESS = "10.77.0.1"  # the first machine's end
    OWN_ADDRESS = "10.77.0.2"

    def __init__(self, host: NetworkNamespace) -> None:
        self._holder = subprocess.Popen([*host.prefix, "unshare", "-n", "cat"], stdin=subprocess.PIPE)
        eventually(lambda: Path(f"/proc/{self._holder.pid}/comm").read_text().strip() == "cat")
        cable = ["link", "add", "lan0", "type", "veth", "peer", "name", "lan1", "netns", str(self._holder.pid)]
        for arguments in (cable, ["addr", "add", f"{self.HOST_ADDRESS}/24", "dev", "lan0"], ["link", "set", "lan0", "up"]):
            subprocess.run([*host.prefix, "ip", *arguments], check=True)
        own = ["addr", "add", f"{self.OWN_ADDRESS}/24", "dev", "lan1"]
        for arguments in (own, ["link", "set", "lan1", "up"], ["link", "set", "lo", "up"]):
            subprocess.run([*self.prefix, "ip", *arguments], check=True)


class Appliance(Client):
    """`python -m appliance serve` in a home of its own."""

    def __init__(
        self,
        home: Path,
        *,
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        port: int | None = None,
        namespace: NetworkNamespace | None = None,
    ) -> None:
        super().__init__(port or free_port())
        self.home = home
        self.namespace = namespace
        self.output_path = home.parent / f"{home.name}.output"
        self._env = environment(
            {
                "GATEHOUSE_HOME": str(home),
                "HOME": str(home.parent),
                "GATEHOUSE_TEST": "1",
                "GATEHOUSE_PORT": str(self.port),
                "GATEHOUSE_MASTER_KEY_SOURCE": "file",  # a test never touches the keyring of whoever runs it
                **(env or {}),
            }
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._children: list[psutil.Process] = []
        self._output_before = 0
        self._owner_token: str | None = None
        self._api_key: str | None = None
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.configure(settings or {})

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write gatehouse.toml: plain settings first, tables after them."""
        ordered = dict(sorted(settings.items(), key=lambda item: isinstance(item[1], list | dict)))
        (self.home / "gatehouse.toml").write_text(tomlkit.dumps(ordered), encoding="utf-8")

    # Its life

    def start(self, *, wait: bool = True, env: Mapping[str, str] | None = None) -> None:
        """Errors: ProgramFailed when it ends or isn't ready in time; the message has the end of its log."""
        assert self._process is None, "it runs already"
        prefix = self.namespace.prefix if self.namespace else []
        self._output_before = len(self.output)
        with self.output_path.open("ab") as output:
            self._process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "appliance", "serve"],
                cwd=ROOT,
                env={**self._env, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the tests is not a signal to the program
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, path: str = "/ready") -> None:
        assert self._process is not None
        end = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < end:
            if self._process.poll() is not None:
                code, self._process = self._process.returncode, None
                raise ProgramFailed(f"the appliance ended with {code} before it was ready:\n{self.output_tail()}")
            answer = self._asked(path)
            if answer is not None and answer.status == 200:
                return
            if answer is not None and answer.status != 503:
                raise ProgramFailed(f"GET {path} gives {answer}\n{self.output_tail()}")
            time.sleep(0.03)
        raise ProgramFailed(f"the appliance was not ready within {READY_SECONDS_MAX} s: {answer}\n{self.output_tail()}")

    def _asked(self, path: str) -> Answer | None:
        try:
            if self.namespace is not None:
                return self.namespace.call("GET", f"{self.url}{path}")
            return self.call("GET", path, timeout=3)
        except (OSError, AssertionError):
            return None  # it doesn't listen yet

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def children(self) -> list[psutil.Process]:
        """Its workers."""
        return psutil.Process(self.pid).children(recursive=True)

    def signal_to_stop(self) -> None:
        assert self._process is not None
        self._remember_children()
        self._process.send_signal(signal.SIGTERM)

    def wait_until_ended(self, seconds: float = STOP_SECONDS_MAX) -> int:
        """Its exit status. Errors: ProgramFailed when it runs on, or left children behind."""
        assert self._process is not None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProgramFailed(f"the appliance did not end within {seconds} s of SIGTERM:\n{self.output_tail()}") from None
        self._process = None
        self._check_for_leftovers()
        return code

    def stop(self) -> None:
        """SIGTERM, and all must be well: status 0, nothing left. Does nothing where it doesn't run."""
        if not self.is_running:
            self._process = None
            return
        self.signal_to_stop()
        code = self.wait_until_ended()
        if code != 0:
            raise ProgramFailed(f"the appliance ended with {code} on SIGTERM:\n{self.output_tail()}")

    def kill(self) -> None:
        """kill -9. Its children have to notice by themselves."""
        assert self._process is not None
        self._remember_children()
        self._process.kill()
        self._process.wait(10)
        self._process = None
        self._check_for_leftovers()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _remember_children(self) -> None:
        try:
            self._children = self.children()
        except psutil.NoSuchProcess:
            self._children = []

    def _check_for_leftovers(self) -> None:
        _, alive = psutil.wait_procs(self._children, timeout=8)
        self._children = []
        names = [f"{process.pid} {process.name()}" for process in alive]
        for process in alive:
            process.kill()
        if names:
            raise ProgramFailed(f"children outlived the appliance: {names}\n{self.output_tail()}")

    # What it says and keeps

    @property
    def output(self) -> str:
        """All it wrote to stdout and stderr so far."""
        return self.output_path.read_text(encoding="utf-8", errors="replace") if self.output_path.exists() else ""

    @property
    def welcome(self) -> str:
        """What it told the newcomer at its last start; waits until all of it is there."""
        last = "Ctrl-C stops the appliance."
        return str(eventually(lambda: text if last in (text := self.output[self._output_before :]) else None))

    @property
    def first_run_key(self) -> str:
        """The development key that was shown at its first start."""
        assert self.welcome
        return self.output.partition("Authorization: Bearer ")[2].partition('"')[0]

    def output_tail(self, lines: int = 15) -> str:
        files = sorted((self.home / "logs").glob("*.log")) if (self.home / "logs").exists() else []
        texts = [self.output, *(file.read_text(encoding="utf-8", errors="replace") for file in files)]
        return "\n".join("\n".join(text.splitlines()[-lines:]) for text in texts)

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Its SQLite file, read only, as a bookkeeper with the standard library would read it."""
        connection = sqlite3.connect(f"file:{self.home / 'gatehouse.db'}?mode=ro", uri=True, timeout=10)
        connection.row_factory = sqlite3.Row
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with self.database() as connection:
            return [dict(row) for row in connection.execute(query, parameters)]

    def command(self, *arguments: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """`gatehouse …` in the same home and environment."""
        prefix = self.namespace.prefix if self.namespace else []
        return subprocess.run(
            [*prefix, sys.executable, "-m", "appliance", *arguments],
            cwd=ROOT,
            env=self._env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    # Its people and keys

    @property
    def owner_token(self) -> str:
        """The owner's token; the owner is registered when first asked for."""
        if self._owner_token is None:
            body = {"name": "Olga Owner", "email": "owner@example.com", "password": PASSWORD}
            answer = self.call("POST", "/api/v1/admin/auth/register", body)
            assert answer.status == 201, answer
            self._owner_token = answer.json["access_token"]
        return self._owner_token

    def sign_in(self) -> None:
        """Get the owner a new token, where the old one has become void."""
        answer = self.call("POST", "/api/v1/admin/auth/login", {"email": "owner@example.com", "password": PASSWORD})
        assert answer.status == 200, answer
        self._owner_token = answer.json["access_token"]

    def make_key(self, name: str = "Test key", **more: Any) -> dict[str, Any]:
        answer = self.call("POST", "/api/v1/admin/api-keys", {"name": name, **more}, token=self.owner_token)
        assert answer.status == 201, answer
        made: dict[str, Any] = answer.json
        return made

    @property
    def api_key(self) -> str:
        """A key for ordinary calls; made when first asked for."""
        if self._api_key is None:
            self._api_key = str(self.make_key()["key"])
        return self._api_key

    def chat(self, body: Any, **more: Any) -> Answer:
        return self.call("POST", "/v1/chat/completions", body, token=self.api_key, **more)

    def chat_stream(self, body: dict[str, Any], **more: Any) -> Any:
        return self.stream("POST", "/v1/chat/completions", {"stream": True, **body}, token=self.api_key, **more)


class Fake(Client):
    """A fake provider in a process of its own."""

    def __init__(self, kind: str, faults: Mapping[str, str] | None = None, certificates: Certificates | None = None) -> None:
        tls = ["--certificate", str(certificates.server), "--key", str(certificates.server_key)] if certificates else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.fakes.{kind}", *tls],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        ports = json.loads(self._process.stdout.readline())
        super().__init__(ports["port"])
        self.tls_port: int | None = ports.get("tls_port")
        self.key = "sk-fake-0123456789abcdef"
        if faults:
            self.set_faults(faults)

    @property
    def base_url(self) -> str:
        """For clients that speak OpenAI's format strictly."""
        return f"{self.url}/v1"

    @property
    def lenient_url(self) -> str:
        """The same, where unknown arguments are taken, as by vLLM."""
        return f"{self.url}/lenient/v1"

    def provider(self, name: str = "fake", *, lenient: bool = False, models: Sequence[str] = ()) -> dict[str, Any]:
        """A `[[providers]]` table that leads here."""
        table: dict[str, Any] = {
            "name": name,
            "kind": "openai-compatible",
            "base_url": self.lenient_url if lenient else self.base_url,
            "api_key": self.key,
        }
        return {**table, "models": list(models)} if models else table

    def set_faults(self, faults: Mapping[str, Any]) -> None:
        assert self.call("POST", "/_faults", dict(faults)).status == 200

    def seen(self, *, methods: Sequence[str] = ("POST",)) -> list[Seen]:
        """The requests so far, oldest first. Only POSTs: an appliance asks for the list of models whenever it likes."""
        return [Seen(**entry) for entry in self.call("GET", "/_seen").json if entry["method"] in methods]

    def last(self) -> Seen:
        return self.seen()[-1]

    def forget(self) -> None:
        self.call("POST", "/_forget")

    def kill(self) -> None:
        """At once, whatever it was at."""
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Held by one process of this machine at a time; given back by the system should its holder die."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
