"""One route in plain words, without Qt: its row, its deployments, and where a request for it would go."""

from gui.lines_state import Action, Cell, Line
from gui.plain_text import one_line
from gui.providers_state import Deployment, Explanation, Providers, Route, Step

COLUMNS = ("Route", "Leads to", "State")
TARGET_COLUMNS = ("Deployment", "Share", "State")
WAYS = {"explain": "E&xplain…", "edit": "&Edit…", "remove": "Re&move…"}
NAMES_TOLD_MAX = 3
_WHAT_FOR = (
    "A route is a model name of your own, such as “fast”, with one or several models behind it. Programs keep the name while you "
    "change what answers: by weight, the quickest, the cheapest, or this machine first; with others to fall back to."
)
EMPTY = ("No route yet", _WHAT_FOR, "Add a route…")
STRATEGIES = {
    "weighted": (
        "By weight",
        "Each gets its share of the requests: one of weight 3 gets three times as many as one of weight 1.",
    ),
    "round-robin": ("In turn", "One after the other, each as often as the others."),
    "least-latency": ("Quickest first", "The one whose answers began soonest lately is asked first; failures count against it."),
    "least-busy": ("Least busy first", "The one with the fewest requests under way is asked first."),
    "cheapest": ("Cheapest first", "The one whose tokens cost least is asked first, as far as its price is known."),
    "local-first": ("This machine first", "This machine's models answer while few wait and the prompt fits; else the others."),
}


def strategy_title(name: str) -> str:
    return STRATEGIES[name][0] if name in STRATEGIES else one_line(name, 40)


def line(route: Route, providers: Providers) -> Line:
    name = one_line(route.name)
    return Line(
        route.id,
        (Cell(name, note(route), hint=f"{name}: {note(route)}"), targets(route), state(route, providers)),
    )


def note(route: Route) -> str:
    marks = [strategy_title(route.strategy)] if len(route.deployments) > 1 else []
    marks += ["this machine only"] if route.local_only else []
    marks += [f"then {_listed(route.fallbacks)}"] if route.fallbacks else []
    return " · ".join(marks) or "One deployment"


def targets(route: Route) -> Cell:
    names = [one.name for one in route.deployments]
    return Cell(one_line(_listed(names)) or "nothing", tone="dim", hint=one_line(", ".join(names), 1_000))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_TOLD_MAX} more" if len(names) > NAMES_TOLD_MAX else ""
    return ", ".join(one_line(name) for name in names[:NAMES_TOLD_MAX]) + more


def state(route: Route, providers: Providers) -> Cell:
    """How many of those that would get requests don't just now."""
    if route.id in providers.asked:
        return Cell("Removing…", marker="working", tone="accent")
    wanted = [one for one in route.deployments if one.weight > 0]
    out = [one for one in wanted if _is_out(one, providers)]
    if not wanted or len(out) == len(wanted):
        then = "goes on to its fallbacks" if route.fallbacks else "nothing can answer"
        return Cell("All are out", then, marker="failed", tone="bad", hint=problem(route, providers))
    if out:
        return Cell(f"{len(out)} of {len(wanted)} out", marker="warned", tone="warn", hint=problem(route, providers))
    return Cell("Ready", marker="ready", tone="ok")


def _is_out(one: Deployment, providers: Providers) -> bool:
    circuit = providers.circuit(one.name)
    return bool(one.problem) or (circuit is not None and circuit.state == "open")


def problem(route: Route, providers: Providers) -> str:
    """What keeps its deployments from being asked, or nothing."""
    told = [f"{one.name}: {why}" for one in route.deployments if one.weight > 0 and (why := _why_out(one, providers))]
    more = f" And {len(told) - NAMES_TOLD_MAX} more." if len(told) > NAMES_TOLD_MAX else ""
    return one_line(" ".join(f"{one.removesuffix('.')}." for one in told[:NAMES_TOLD_MAX]) + more, 400)


def _why_out(one: Deployment, providers: Providers) -> str:
    circuit = providers.circuit(one.name)
    if one.problem:
        return one_line(one.problem)
    if circuit is None or circuit.state != "open":
        return ""
    return circuit.why if circuit.why.startswith("left alone") else f"left alone for a while: {circuit.why or 'it kept failing'}"


def head(route: Route) -> str:
    """Above the deployments of the chosen route."""
    title = f"{one_line(route.name, 80)} · {strategy_title(route.strategy).lower()}"
    return f"{title} · when all fail: {_listed(route.fallbacks)}" if route.fallbacks else title


def shares(route: Route) -> list[float | None]:
    """Of the requests, where that is known: by weight, among those that are tried first."""
    first = min((one.order for one in route.deployments if one.weight > 0), default=0)
    even = route.strategy == "round-robin"
    weights = [(1.0 if even else one.weight) if one.weight > 0 and one.order == first else 0.0 for one in route.deployments]
    total = sum(weights)
    if total <= 0 or (route.strategy not in ("weighted", "round-robin") and sum(1 for one in weights if one) > 1):
        return [None for _ in route.deployments]
    return [weight / total for weight in weights]


def target_lines(route: Route, providers: Providers) -> list[Line]:
    return [
        Line(one.name, (Cell(one_line(one.name), hint=one_line(one.name)), _share(one, share), _target_state(one, providers)))
        for one, share in zip(route.deployments, shares(route), strict=True)
    ]


def _share(one: Deployment, share: float | None) -> Cell:
    if one.weight <= 0:
        return Cell("Drained", tone="dim", hint="Its weight is 0: nothing new goes there.")
    if share is None:
        return Cell("As it goes", tone="dim", hint="The strategy decides at each request.")
    if share == 0:
        return Cell("Only then", tone="dim", hint="It stands later in the order: it is tried when those before it fail.")
    return Cell(f"{share:.0%}" if share >= 0.01 else "< 1 %", share=share, hint=f"Weight {one.weight:g}")


def _target_state(one: Deployment, providers: Providers) -> Cell:
    why, circuit = _why_out(one, providers), providers.circuit(one.name)
    if one.problem:
        return Cell(one_line(one.problem), marker="failed", tone="bad", hint=why)
    if why:
        return Cell(why[:1].upper() + why[1:], marker="warned", tone="warn", hint=why)
    if circuit is not None and circuit.state == "half-open":
        return Cell("Being tried again", marker="working", tone="accent", hint="One request finds out whether it answers again.")
    if circuit is None:
        return Cell("Not asked yet", marker="unloaded", tone="dim")
    return Cell("Ready", marker="ready", tone="ok")


def actions(route: Route, providers: Providers) -> list[Action]:
    why = "The gateway hasn't answered the last wish for this route yet." if route.id in providers.asked else ""
    return [Action(verb, text, why) for verb, text in WAYS.items()]


def remove_question(route: Route) -> tuple[str, str]:
    name = one_line(route.name)
    return f"Remove the route {name}?", f"Programs that ask for the model {name} get an error from then on. Its providers stay."


def explained(found: Explanation) -> list[tuple[str, str, str]]:
    """Number or sign, deployment, why: those that would be tried, then those left out."""
    tried = [(f"{place}.", one_line(step.deployment), _why(step, found)) for place, step in enumerate(found.tried, 1)]
    return tried + [("·", one_line(step.deployment), f"Left out: {_why(step, found)}") for step in found.left_out]


def _why(step: Step, found: Explanation) -> str:
    by = f" (route {step.route})" if step.route and step.route != found.route else ""
    lacks = f"; it can't do {', '.join(step.lacks)}" if step.lacks else ""
    return one_line(f"{step.why}{by}{lacks}", 400)


def explained_head(found: Explanation) -> str:
    """What would become of a request now."""
    if not found.tried:
        return "Nothing would answer it now."
    times = {0: "", 1: ", once"}.get(found.retries, f", up to {found.retries} times")
    retries = f" What fails for a moment is tried again{times}." if times else ""
    home = " It must not leave this machine." if found.local_only else ""
    return f"{strategy_title(found.strategy)}. Nothing has been sent.{retries}{home}"
