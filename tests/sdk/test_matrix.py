"""Every SDK before every kind of provider, feature by feature and fault by fault: the shipped program in between.

Each test is one cell of the table that is printed at the end (tests/sdk/matrix_table.py). What a provider can't do must be
refused by name. A fault must raise the class that the SDK has for it, leave the process alive, and the next request answered.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import pytest

from tests.conftest import MakeAppliance, MakeFake
from tests.running import Appliance, Fake, eventually
from tests.sdk.callers import CALLERS, Call, Caller, Forecast, Tool
from tests.sdk.cells import ALIASES, CALLED, FAULTS, FINISHED, UNREADABLE, Cell, Fault, tables
from tests.sdk.matrix_table import PROPERTY
from tests.sdk.providers import PROVIDERS

WEATHER = Tool(
    "get_weather",
    {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Pune", "Delhi"]}, "days": {"type": "integer"}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
)
TIME = Tool("get_time", {"type": "object", "properties": {"utc": {"type": "boolean"}}, "required": ["utc"]})
Mark = Callable[..., None]
REMOTE = [kind for kind, provider in PROVIDERS.items() if not provider.is_local]


@pytest.fixture(scope="module")
def fakes(fake: MakeFake) -> dict[str, Fake]:
    return {kind: fake(kind) for kind in {provider.fake for provider in PROVIDERS.values() if provider.fake}}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, fakes: dict[str, Fake]) -> Appliance:
    return appliances(settings={"providers": tables(fakes)}, model=True)


@pytest.fixture(scope="module", params=CALLERS)
def caller(request: pytest.FixtureRequest, door: Appliance) -> Iterator[Caller]:
    made: Caller = CALLERS[request.param](door.url, door.api_key)
    yield made
    made.close()


def cell_of(kind: str, door: Appliance, caller: Caller, fakes: dict[str, Fake]) -> Cell:
    provider = PROVIDERS[kind]
    return Cell(door, caller, provider, fakes.get(provider.fake))


@pytest.fixture(params=PROVIDERS)
def cell(request: pytest.FixtureRequest, door: Appliance, caller: Caller, fakes: dict[str, Fake]) -> Cell:
    return cell_of(request.param, door, caller, fakes)


@pytest.fixture
def local(door: Appliance, caller: Caller) -> Cell:
    return cell_of("llamacpp", door, caller, {})


@pytest.fixture
def mark(record_property: Callable[[str, object], None]) -> Mark:
    """Says which cell of the table a test is: `mark(cell, "features", "chat")`; "refused" besides where that is right."""

    def made(cell: Cell, *words: str) -> None:
        record_property(PROPERTY, [cell.caller.name, cell.provider.kind, *words])

    return made


def test_chat(cell: Cell, mark: Mark) -> None:
    mark(cell, "features", "chat")
    cell.check_answer(cell.ask(), "You said: Hello there")


def test_stream(cell: Cell, mark: Mark) -> None:
    mark(cell, "features", "stream")
    said = cell.ask(streamed=True)
    cell.check_answer(said, "You said: Hello there")
    assert len(said.pieces) > 1 and "".join(said.pieces) == said.text


@pytest.mark.parametrize("streamed", [False, True])
def test_tools(cell: Cell, mark: Mark, streamed: bool) -> None:
    mark(cell, "features", "tools")
    # Nobody can tell so small a model what to do: it is made to.
    force = WEATHER.name if cell.provider.is_local else ""
    turns = [cell.caller.user("get_weather, please")]
    said = cell.ask(turns, streamed=streamed, tools=[WEATHER], force=force)
    (call,) = said.calls
    assert call.id and call.name == "get_weather" and call.arguments["city"] in ("Pune", "Delhi")
    assert isinstance(call.arguments["days"], int)
    assert said.finish in ((*CALLED, "stop") if force else CALLED)
    turns += cell.caller.results(said, ["sunny and warm"])
    told = cell.ask(turns, streamed=streamed, tools=[WEATHER])
    if not cell.provider.is_local:
        assert told.calls == [] and told.finish in FINISHED and "sunny and warm" in told.text
    else:
        assert told.tokens is not None and told.tokens[1] > 0


@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tools(cell: Cell, mark: Mark, streamed: bool) -> None:
    mark(cell, "features", "parallel")
    turns = [cell.caller.user("Call get_weather for Pune. Call get_time.")]
    force = "any" if cell.provider.is_local else ""
    said = cell.ask(turns, streamed=streamed, tools=[WEATHER, TIME], force=force)
    if cell.provider.is_local:
        assert len(said.calls) > 1
    else:
        assert [call.name for call in said.calls] == ["get_weather", "get_time"]
        assert said.finish in CALLED
    assert len({call.id for call in said.calls}) == len(said.calls)
    assert all(_fits(call) for call in said.calls)
    results = [f"result number {number}" for number, _ in enumerate(said.calls)]
    turns += cell.caller.results(said, results)
    told = cell.ask(turns, streamed=streamed, tools=[WEATHER, TIME])
    if not cell.provider.is_local:
        sent = cell.fake.last().body
        assert all(result in sent for result in results) and results[-1] in told.text


def _fits(call: Call) -> bool:
    if call.name == "get_time":
        return isinstance(call.arguments["utc"], bool)
    return call.arguments["city"] in ("Pune", "Delhi") and isinstance(call.arguments["days"], int)


def test_schema(cell: Cell, mark: Mark) -> None:
    mark(cell, "features", "schema")
    assert isinstance(cell.caller.forecast(cell.question("Seven days in Pune", stop=[])), Forecast)
    if not cell.provider.is_local:
        assert "days" in cell.fake.last().body, "its provider was not told of the schema"


def test_images(cell: Cell, mark: Mark) -> None:
    mark(cell, "features", "images")
    asked = [cell.caller.user("Look", image=True)]
    if cell.provider.is_local:
        with pytest.raises(cell.caller.errors.BadRequestError, match="images"):
            cell.ask(asked, streamed=False)
        mark(cell, "features", "images", "refused")
        return
    for streamed in (False, True):
        said = cell.ask(asked, streamed=streamed)
        cell.check_answer(said, "You said: Look (with 1 image)")


@pytest.mark.parametrize("streamed", [False, True])
def test_usage(cell: Cell, mark: Mark, streamed: bool) -> None:
    mark(cell, "features", "usage")
    said = cell.ask(streamed=streamed)
    assert said.tokens is not None and min(said.tokens) > 0
    if not cell.provider.is_local:
        assert said.tokens == cell.provider.tokens(cell.fake)
    (row,) = cell.door.rows("SELECT tokens_in, tokens_out, estimated FROM attempts ORDER BY request_id DESC LIMIT 1")
    assert (row["tokens_in"], row["tokens_out"], row["estimated"]) == (*said.tokens, 0)


# Faults. All of one SDK's are asked for at the same time, since many of them are waited for.


def failing(cell: Cell, fault: Fault) -> None:
    """One fault of one provider, whole and streamed."""
    model = cell.named(ALIASES.get((cell.provider.kind, fault.name), fault.name))
    for streamed in (True,) if fault.is_of_streams else (False, True):
        came: list[str] = []
        if fault.raises:
            with pytest.raises(getattr(cell.caller.errors, fault.raises)):
                cell.ask(model=model, streamed=streamed, came=came)
            assert "".join(came).startswith(fault.before)
        elif fault.texts:
            said = cell.ask(model=model, streamed=streamed)
            assert said.text in fault.texts and said.finish in FINISHED
            if fault.tokens and cell.caller.name != "langchain":  # which adds up what was told, with or without us
                assert said.tokens == fault.tokens
        else:
            cell.caller.leave(model, [cell.caller.user("Go on")])
    cell.check_alive()


@pytest.fixture(scope="module")
def outcomes(door: Appliance, caller: Caller, fakes: dict[str, Fake]) -> dict[tuple[str, str], Future[None]]:
    with ThreadPoolExecutor(12) as pool:
        return {
            (kind, fault.name): pool.submit(failing, cell_of(kind, door, caller, fakes), fault)
            for fault in FAULTS
            for kind in REMOTE
        }


@pytest.mark.parametrize("kind", REMOTE)
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_fault(
    outcomes: dict[tuple[str, str], Future[None]],
    door: Appliance,
    caller: Caller,
    fakes: dict[str, Fake],
    fault: Fault,
    kind: str,
    mark: Mark,
) -> None:
    if why := UNREADABLE.get((caller.name, kind, fault.name)):
        pytest.skip(why)
    mark(cell_of(kind, door, caller, fakes), "faults", fault.column)
    outcomes[kind, fault.name].result()


def test_callers_who_left_have_ended_what_ran_for_them(
    outcomes: dict[tuple[str, str], Future[None]], fakes: dict[str, Fake]
) -> None:
    assert outcomes

    def are_over() -> bool:
        asked = [seen for fake in fakes.values() for seen in fake.seen() if "fault-endless" in seen.path + seen.body]
        return bool(asked) and all(seen.hung_up for seen in asked)

    assert eventually(are_over)


def test_a_prompt_that_is_too_long_for_the_local_model(local: Cell, mark: Mark) -> None:
    mark(local, "faults", "long")
    for streamed in (False, True):
        with pytest.raises(local.caller.errors.BadRequestError, match="context"):
            local.ask("word " * 9000, streamed=streamed)
    local.check_alive()


def test_a_caller_who_leaves_the_local_model(local: Cell, mark: Mark) -> None:
    mark(local, "faults", "left")
    for _ in range(4):
        local.caller.leave(local.model, [local.caller.user("Tell me a long story about the sea.")])
    local.check_alive()


def test_a_local_model_that_dies(local: Cell, mark: Mark) -> None:
    mark(local, "faults", "cut")
    came: list[str] = []
    question = local.question("Tell me a long story about the sea.", came=came)
    question = msgspec.structs.replace(question, stop=[])
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(local.caller.ask, question, streamed=True)
        eventually(lambda: came or asked.done())
        for worker in local.door.children():
            worker.kill()
        with pytest.raises(local.caller.errors.APIError):
            asked.result()
    eventually(lambda: _answers(local), seconds=30)
    local.check_alive()


def _answers(cell: Cell) -> bool:
    try:
        return bool(cell.ask().text)
    except cell.caller.errors.APIError:
        return False
