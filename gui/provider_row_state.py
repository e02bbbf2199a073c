"""One provider in plain words, without Qt: its row, what may be done with it, and why not."""

import msgspec

from gui.lines_state import Action, Cell, Line
from gui.plain_text import one_line, sentences
from gui.providers_state import Provider, Providers, Tried

COLUMNS = ("Provider", "Where", "Key", "State")
WAYS = {"test": "&Test connection", "edit": "&Edit…", "remove": "Re&move…"}
NAMES_TOLD_MAX = 5
_WHAT_FOR = (
    "A provider answers requests: OpenAI, Anthropic, Google, Azure, AWS Bedrock, or any server that speaks OpenAI's format. "
    "With its key in Gatehouse, programs ask for its models here, and no program needs the key itself."
)
EMPTY = ("No provider yet", _WHAT_FOR, "Add a provider…")


class Kind(msgspec.Struct, frozen=True):
    """title: as people know it. who: what it is for. address: of the vendor; empty where there is none for everybody."""

    title: str
    who: str
    address: str = ""
    needs_key: bool = True


KINDS = {
    "openai": Kind("OpenAI", "GPT and embedding models, from OpenAI itself.", "https://api.openai.com/v1"),
    "anthropic": Kind("Anthropic", "Claude, from Anthropic itself.", "https://api.anthropic.com"),
    "google": Kind("Google Gemini", "Gemini, by a key of Google AI Studio.", "https://generativelanguage.googleapis.com"),
    "azure": Kind("Azure OpenAI", "OpenAI's models in your own Azure resource."),
    "bedrock": Kind("AWS Bedrock", "Claude, Llama, Nova and others, by AWS.", "https://bedrock-runtime.{region}.amazonaws.com"),
    "openai-compatible": Kind(
        "OpenAI-compatible server", "Mistral, Groq, OpenRouter, Together, Ollama, LM Studio: all that speak OpenAI's format.",
        needs_key=False,
    ),
    "vllm": Kind("vLLM server", "A vLLM server in your network, with all that it can do.", needs_key=False),
    "llamacpp": Kind("This machine's models", "The models of the Models page.", "this machine", needs_key=False),
}  # fmt: skip
ADDABLE = tuple(kind for kind in KINDS if kind != "llamacpp")  # this machine's models are there without being added


def kind_title(kind: str) -> str:
    return KINDS[kind].title if kind in KINDS else one_line(kind, 40)


def line(provider: Provider, providers: Providers) -> Line:
    return Line(
        provider.id,
        (
            Cell(one_line(provider.name), kind_title(provider.kind), hint=one_line(provider.name)),
            Cell(address(provider), stands_briefly(provider), tone="dim", hint=address(provider)),
            Cell(*key_words(provider)),
            state(provider, providers),
        ),
    )


def stands_briefly(provider: Provider) -> str:
    """Nothing for what stands in this app's own list."""
    return {"file": "settings file, read-only", "environment": "environment, read-only"}.get(provider.source, "")


def address(provider: Provider) -> str:
    known = KINDS.get(provider.kind, Kind("", "")).address.replace("{region}", provider.region or "…")
    return one_line(provider.base_url or known or "—").removeprefix("https://")


def key_words(provider: Provider) -> tuple[str, str]:
    """The key as far as it may be seen, or the variable that has it; and a second line."""
    if provider.api_key_env:
        return one_line(provider.api_key_env, 100), "from the environment"
    if provider.secret_access_key_end or provider.access_key_id_end:
        return one_line(provider.access_key_id_end or "pair of keys", 40), "pair of keys"
    if provider.api_key_end:
        return one_line(provider.api_key_end, 40), ""
    return ("given", "") if provider.has_credential else ("none", "")


def state(provider: Provider, providers: Providers) -> Cell:
    """What is known of whether it answers: a test under way, the last test, then what requests met."""
    tried, alone = providers.tried.get(provider.id), providers.left_alone(provider.name)
    if provider.id in providers.asked:
        return Cell({"remove": "Removing…"}.get(providers.asked[provider.id], "Testing…"), marker="working", tone="accent")
    if tried is not None and not tried.ok:
        return Cell("Test failed", marker="failed", tone="bad", hint=tried_words(tried))
    if alone:
        text = "1 model left alone" if len(alone) == 1 else f"{len(alone)} models left alone"
        return Cell(text, marker="warned", tone="warn", hint=problem(provider, providers))
    if tried is not None:
        return Cell("Answers", _found(tried), marker="ready", tone="ok", hint=tried_words(tried))
    if KINDS.get(provider.kind, Kind("", "", needs_key=False)).needs_key and not provider.has_credential:
        return Cell("No key", marker="warned", tone="warn", hint=problem(provider, providers))
    return Cell("Not tested yet", marker="unloaded", tone="dim")


def _found(tried: Tried) -> str:
    """An empty list is told as no number: some providers don't tell their models."""
    count = len(tried.models)
    told = "" if not count else "1 model · " if count == 1 else f"{count}{'+' if count >= 200 else ''} models · "
    return f"{told}{seconds(tried.seconds)}"


def seconds(number: float) -> str:
    return f"{number:.1f} s" if number >= 1 else f"{max(1, round(number * 1000))} ms"


def tried_words(tried: Tried) -> str:
    """A test's result as sentences."""
    if tried.ok:
        count = len(tried.models)
        offers = "" if not count else f" It offers {'1 model' if count == 1 else f'{count} models'}."
        return f"It answers, in {seconds(tried.seconds)}.{offers}"
    if tried.error is None:
        return "The test failed, and no reason was given."
    return sentences(f"the test failed: {tried.error.message}", tried.error.fix)


def problem(provider: Provider, providers: Providers) -> str:
    """What keeps it from working, or nothing."""
    tried, alone = providers.tried.get(provider.id), providers.left_alone(provider.name)
    if tried is not None and not tried.ok:
        return tried_words(tried)
    if alone:
        named = ", ".join(one.deployment for one in alone[:NAMES_TOLD_MAX])
        return one_line(f"{named}: left alone after failures, and tried again soon. {sentences(alone[0].why)}", 400)
    if KINDS.get(provider.kind, Kind("", "", needs_key=False)).needs_key and not provider.has_credential:
        return "It has no key, so it answers nobody. " + ("Edit it to give one." if provider.can_change else stands(provider))
    return ""


def stands(provider: Provider) -> str:
    """Why it can't be changed here."""
    where = "the settings file (gatehouse.toml)" if provider.source == "file" else "the gateway's environment"
    return f"It stands in {where}: change it there, and start the gateway again."


def actions(provider: Provider, providers: Providers) -> list[Action]:
    return [Action(verb, WAYS[verb], why_not(verb, provider, providers)) for verb in WAYS]


def why_not(verb: str, provider: Provider, providers: Providers) -> str:
    """Why this can't be done now; empty where it can."""
    if provider.id in providers.asked:
        return "The gateway hasn't answered the last wish for this provider yet."
    if verb != "test" and not provider.can_change:
        return stands(provider)
    return ""


def used_words(provider: Provider) -> str:
    """Why it can't be removed; empty where no route sends requests to it."""
    if not provider.used_by:
        return ""
    named = ", ".join(provider.used_by[:NAMES_TOLD_MAX])
    more = f" and {len(provider.used_by) - NAMES_TOLD_MAX} more" if len(provider.used_by) > NAMES_TOLD_MAX else ""
    one = len(provider.used_by) == 1
    who = "the route" if one else "routes"
    return (
        f"{one_line(provider.name)} can't be removed: {who} {named}{more} send{'s' if one else ''} requests to it. "
        f"Take it out of {'that route' if one else 'these routes'} first."
    )


def remove_question(provider: Provider) -> tuple[str, str]:
    key = " Its key is forgotten too." if provider.has_credential and not provider.api_key_env else ""
    return (
        f"Remove {one_line(provider.name)}?",
        f"Programs that ask for {one_line(provider.name)}/… as their model get an error from then on.{key}",
    )
