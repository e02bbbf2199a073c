"""Fixtures that every test may use. Server tests run the shipped program: a real process, socket and database."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.fakes.certificates import Certificates
from tests.fakes.clock import FakeClock
from tests.fakes.models import fetched_model
from tests.running import Appliance, Colleague, Fake, NetworkNamespace, free_port
from tests.sdk import matrix_table

MakeFake = Callable[..., Fake]
FIGURE = "figure"  # a test's property: `<name> <value> <unit>`, printed at the end of the run


class MakeAppliance(Protocol):
    def __call__(
        self,
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        *,
        model: bool = False,
        start: bool = True,
        home: Path | None = None,
        port: int | None = None,
        namespace: NetworkNamespace | None = None,
    ) -> Appliance:
        """An appliance in a new home, started and ready; stopped at the end, when everything must be in order.

        `model`: with the demonstration model in its models folder.
        """
        ...


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, so that they share one appliance, unless `--dist` says otherwise."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log) if config.option.dist == "load" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have measured, and the table of SDKs and providers, where these tests ran."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind if getattr(report, "when", "") == "call"]
    for report in reports:
        for name, value in report.user_properties:
            if name == FIGURE:
                terminalreporter.write_line(f"figure {value}")
    written = matrix_table.lines(report for kind in terminalreporter.stats.values() for report in kind)
    if written:
        terminalreporter.section("SDKs before providers")
    for line in written:
        terminalreporter.write_line(line)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for an appliance's data; not there yet."""
    return tmp_path / "home"


@pytest.fixture(name="free_port")
def free_port_fixture() -> int:
    return free_port()


@pytest.fixture
def clock() -> FakeClock:
    """Time stands still until the test moves it."""
    return FakeClock()


@pytest.fixture(scope="session")
def model_file() -> Path:
    """The demonstration model, fetched once a machine and checked."""
    return fetched_model()


def _factory(folder: Path, request: pytest.FixtureRequest) -> Iterator[MakeAppliance]:
    made: list[Appliance] = []

    def make(
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        *,
        model: bool = False,
        start: bool = True,
        home: Path | None = None,
        port: int | None = None,
        namespace: NetworkNamespace | None = None,
    ) -> Appliance:
        home = home or folder / f"home{len(made)}"
        appliance = Appliance(home, settings=settings, env=env, port=port, namespace=namespace)
        made.append(appliance)
        if model:
            place_model(request.getfixturevalue("model_file"), home)
        if start:
            appliance.start()
        return appliance

    yield make
    problems = []
    for appliance in made:
        try:
            appliance.stop()
        except AssertionError as problem:
            problems.append(problem)
    if problems:
        raise problems[0]


def place_model(model: Path, home: Path) -> None:
    """Put the model where the appliance looks for it: a link where the file system can, it is 98 MB."""
    target = home / "models" / model.name
    target.parent.mkdir(exist_ok=True, mode=0o700)
    try:
        target.hardlink_to(model)
    except OSError:
        shutil.copyfile(model, target)


@pytest.fixture
def appliance(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MakeAppliance]:
    """Makes appliances for one test: `appliance(settings={…}, env={…})`."""
    yield from _factory(tmp_path, request)


@pytest.fixture(scope="module")
def appliances(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[MakeAppliance]:
    """Makes appliances that a module's tests share."""
    yield from _factory(tmp_path_factory.mktemp("appliances"), request)


@pytest.fixture(scope="module")
def fake() -> Iterator[MakeFake]:
    """Starts fake providers: `fake("openai", faults={"gpt-4o": "fault-500"})`; over TLS as well where it gets certificates."""
    made: list[Fake] = []

    def make(kind: str = "openai", faults: Mapping[str, str] | None = None, certificates: Certificates | None = None) -> Fake:
        made.append(Fake(kind, faults, certificates))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="module")
def upstream(fake: MakeFake) -> Fake:
    """The fake provider that a module's tests share."""
    return fake("openai")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    """The appliance that a module's tests share: as shipped, with the providers `fake` (strict) and `lenient` elsewhere.

    A module with other wishes defines a fixture of the same name.
    """
    providers = [upstream.provider("fake"), upstream.provider("lenient", lenient=True)]
    return appliances(settings={"providers": providers})


@pytest.fixture(scope="module")
def owner(door: Appliance) -> str:
    """The token of the door's owner."""
    return door.owner_token


@pytest.fixture(scope="module")
def api_key(door: Appliance) -> str:
    return door.api_key


@pytest.fixture(scope="module")
def namespace() -> Iterator[NetworkNamespace]:
    """A network of its own, where port 8000 is free and addresses beyond loopback exist."""
    refusal = NetworkNamespace.refusal()
    if refusal:
        pytest.skip(f"no network namespace can be made here: {refusal}")
    made = NetworkNamespace()
    yield made
    made.close()


@pytest.fixture(scope="module")
def colleague(namespace: NetworkNamespace) -> Iterator[Colleague]:
    """A second machine, on one cable with `namespace`."""
    made = Colleague(namespace)
    yield made
    made.close()
