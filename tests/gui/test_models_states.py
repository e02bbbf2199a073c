"""What the Models page decides, without Qt."""

import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui import model_row_state as words
from gui.model_facts_state import facts, hash_lines, need_line
from gui.model_job_state import job_shown, left, speeds_of
from gui.models_state import JOBS_SHOWN_MAX, Job, Models, Need, details_of
from gui.plain_text import breakable, many_lines, one_line, sentences, tooltip
from tests.gui.models_stand_in import GB, job, model

MEMORY = {"budget_bytes": 12 * GB, "used_bytes": 3 * GB, "machine_bytes": 16 * GB}
ENGINE = {"name": "llama_cpp", "version": "0.3.36", "threads": 3, "reason": ""}


def known(*items: dict[str, Any], **engine: Any) -> Models:
    made = Models()
    assert made.take_list({"items": list(items), "next_cursor": None, "memory": MEMORY, "engine": {**ENGINE, **engine}})
    return made


def why(verb: str, models: Models, model_id: str = "m") -> str:
    found = models.get(model_id)
    assert found is not None
    return next(action.why for action in words.actions(found, models) if action.verb == verb)


def verbs(models: Models, model_id: str = "m") -> list[str]:
    found = models.get(model_id)
    assert found is not None
    return [action.verb for action in words.actions(found, models)]


@given(st.text(max_size=300))
def test_a_text_of_others_is_one_line_without_control_characters(text: str) -> None:
    told = one_line(text, 80)
    assert len(told) <= 80
    assert not {unicodedata.category(one) for one in told if one not in "\u200c\u200d"} & {"Cc", "Cf", "Zl", "Zp", "Cs"}
    assert one_line(told, 80) == told


def test_a_text_that_turns_the_reading_direction_or_paints_a_terminal_loses_its_teeth() -> None:
    assert one_line("gpj\u202efig\x1b[31m\nnext\x00") == "gpj fig [31m next"
    assert many_lines("a\n\tb\x07\u2066") == "a\n\tb"
    assert one_line("क्‍ष") == "क्‍ष"  # its joiner is part of the word


def test_a_tooltip_shows_html_as_what_it_is() -> None:
    assert tooltip("<img src=x> & more") == "<qt>&lt;img src=x&gt; &amp; more</qt>"
    assert tooltip("") == ""


@given(st.text(alphabet="ab c", max_size=200))
def test_a_long_word_can_be_wrapped_and_reads_the_same(text: str) -> None:
    assert breakable(text).replace("\u200b", "") == text
    assert all(len(piece) <= 24 for word in breakable(text).split(" ") for piece in word.split("\u200b"))


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (98_362_432, "98 MB"),
        (999_999_999, "1.0 GB"),
        (12 * GB, "12 GB"),
        (17_200_000_000, "17.2 GB"),
    ],
)
def test_sizes_are_told_as_file_managers_do(number: int, shown: str) -> None:
    assert words.size(number) == shown


@given(st.integers(0, 10**14), st.integers(0, 10**14))
def test_two_sizes_that_differ_are_told_differently(one: int, other: int) -> None:
    shown = words.two_sizes(one, other)
    assert (shown[0] == shown[1]) == (one == other)


def test_what_is_here_stands_first_and_numbers_count_as_numbers() -> None:
    models = known(model("c", "A 2B", state="not_here"), model("a", "Llama 24B"), model("b", "Llama 3B"))
    assert [one.id for one in models.all()] == ["b", "a", "c"]


def test_a_model_keeps_its_place_while_it_loads_and_works() -> None:
    models = known(model("a"), model("b"), model("c", state="not_here"))
    for state in ("loading", "ready", "failed", "unloaded"):
        models.take_event("model", model("b", state=state), 0.0)
        assert [one.id for one in models.all()] == ["a", "b", "c"]


@pytest.mark.parametrize("body", [None, [], {}, {"items": 3}, {"items": [{}]}, {"items": [], "memory": {}, "engine": {}}])
def test_a_list_that_cannot_be_read_is_told_and_keeps_what_was_known(body: Any) -> None:
    models = known(model("m"))
    assert not models.take_list(body)
    assert models.get("m") is not None


@given(
    st.sampled_from(["model", "job", "overview", "dropped", ""]), st.recursive(st.none() | st.integers() | st.text(), st.lists)
)
def test_no_event_breaks_the_page(name: str, body: Any) -> None:
    known(model("m")).take_event(name, body, 0.0)


def test_a_state_that_this_app_does_not_know_is_shown_as_it_is() -> None:
    models = known(model("m", state="resting"))
    assert words.row(models.all()[0], models).state == "resting"


def test_a_loaded_model_can_be_unloaded_and_one_on_disk_loaded() -> None:
    models = known(model("m", state="ready"), model("n"))
    assert verbs(models)[0] == "unload"
    assert verbs(models, "n")[0] == "load"
    assert {why(verb, models, "n") for verb in verbs(models, "n")} == {""}


def test_a_model_that_is_not_here_can_only_be_got() -> None:
    assert verbs(known(model("m", state="not_here"))) == ["get", "get_from"]


@pytest.mark.parametrize(
    ("state", "verb"), [("unloaded", "load"), ("unloaded", "bench"), ("not_here", "get"), ("failed", "load")]
)
def test_a_model_that_does_not_fit_says_why_with_both_figures(state: str, verb: str) -> None:
    models = known(model("m", state=state, memory_bytes=17_200_000_000, fits=False))
    assert "17.2 GB" in why(verb, models) and "12 GB" in why(verb, models)
    if state != "failed":
        assert words.row(models.all()[0], models).problem == why(verb, models)


def test_figures_that_round_to_the_same_are_told_more_exactly() -> None:
    models = known(model("m", memory_bytes=12_030_000_000, fits=False))
    assert "12.03 GB" in why("load", models) and "12.00 GB" in why("load", models)


def test_a_model_that_does_not_fit_can_still_be_verified_and_removed() -> None:
    models = known(model("m", fits=False))
    assert not why("verify", models) and not why("remove", models)


def test_a_damaged_file_says_what_is_wrong_and_not_that_it_is_big() -> None:
    models = known(model("m", state="failed", memory_bytes=0, fits=False, last_failure="the file ends early"))
    assert "the file ends early" in why("load", models)
    assert "GB" not in words.row(models.all()[0], models).problem


def test_without_an_engine_nothing_can_be_loaded() -> None:
    assert (
        why("load", known(model("m"), name=None, version=None, reason="local models are turned off"))
        == "local models are turned off"
    )


def test_while_a_job_works_on_a_model_only_its_memory_can_be_freed() -> None:
    models = known(model("m", state="ready"))
    models.take_job(msgspec.convert(job("j", "verify", "m", total=100, done=42), type=Job), 0.0)
    assert not why("unload", models)
    assert "Verifying is under way" in why("remove", models)
    row = words.row(models.all()[0], models)
    assert (row.marker, row.state, row.share) == ("working", "Verifying 42%", 0.42)


def test_a_wish_that_has_no_answer_yet_cannot_be_repeated() -> None:
    models = known(model("m"))
    models.asked["m"] = "load"
    assert "hasn't answered" in why("load", models)
    row = words.row(models.all()[0], models)
    assert (row.marker, row.state) == ("loading", "Loading…")


def test_progress_that_comes_late_does_not_wake_a_job_that_has_ended() -> None:
    models = known(model("m"))
    assert not models.take_event("job", job("j", "get", "m", done=1), 0.0)
    assert models.take_event("job", job("j", "get", "m", state="done"), 1.0)  # the list is asked for anew
    assert not models.take_event("job", job("j", "get", "m", done=2), 2.0)
    assert models.job_for("m") is None


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["running", "done", "failed", "cancelled"])), max_size=60))
def test_few_ended_jobs_are_shown_and_all_that_run(told: list[tuple[int, str]]) -> None:
    models = known(model("m"))
    for number, state in told:
        models.take_event("job", job(f"j{number}", "get", "m", state=state), 0.0)
    shown = models.shown_jobs()
    running = [one for one in shown if one.is_running]
    assert len(shown) <= max(JOBS_SHOWN_MAX, len(running))
    assert {one.id for one in running} == {one.id for one in models._jobs.values() if one.is_running}


def test_a_job_that_ended_before_this_app_looked_is_not_news_but_its_speed_is_known() -> None:
    models = known(model("m"))
    result = {"rows": [{"callers": 1, "tokens_per_second": 20.0}]}
    models.take_jobs(
        {"items": [job("j2", "get", "m"), job("j1", "bench", "m", state="done", result=result)], "next_cursor": None}, 0.0
    )
    assert [one.id for one in models.shown_jobs()] == ["j2"]
    assert speeds_of(models.speed("m"))[0].tokens_per_second == 20.0


def test_a_job_that_ended_at_once_is_news_even_where_its_event_comes_later() -> None:
    models = known(model("m"))
    models.take_jobs({"items": []}, 0.0)
    models.take_jobs({"items": [job("j", "get", "m", state="failed", message="air_gap is on")]}, 1.0)
    assert [one.id for one in models.shown_jobs()] == ["j"]


def test_a_sentence_begins_with_a_capital_but_a_name_is_left_as_it_is() -> None:
    assert sentences("the disk is full", "make room.") == "The disk is full. Make room."
    assert sentences("air_gap is on", "models/registry.json stays") == "air_gap is on. models/registry.json stays."
    assert sentences("it's too big: 4 GB", "", "really?") == "It's too big: 4 GB. Really?"


def test_what_cannot_work_says_what_to_do() -> None:
    models = known(
        model("big", memory_bytes=14 * GB, fits=False),
        model("huge", memory_bytes=40 * GB, fits=False),
        model("broken", state="failed", memory_bytes=0, fits=False, last_failure="the file ends early"),
        model("dead", state="failed", last_failure="it was killed."),
    )
    problems = {one.id: words.problem(one, models.memory) for one in models.all()}
    assert problems["big"].endswith("Choose a smaller one, or raise the setting local_memory_bytes.")
    assert problems["huge"].endswith("Choose a smaller one.")
    assert problems["broken"] == "It can't be run: the file ends early. Remove it, then get or add it again."
    assert problems["dead"] == "It couldn't be loaded: it was killed. Load it again; where that fails too, verify its file."


def test_a_job_tells_how_much_how_fast_and_how_long() -> None:
    models = known(model("m", "Qwen"))
    models.take_event("job", job("j", "get", "m", done=0, total=4 * GB), 0.0)
    models.take_event("job", job("j", "get", "m", done=GB, total=4 * GB), 10.0)
    text = job_shown(models.shown_jobs()[0], models, 10.0).text
    assert text == "Getting Qwen · 1.0 GB of 4.0 GB · 100 MB/s · less than a minute left"


def test_a_job_that_failed_tells_why_and_what_mends_it() -> None:
    models = known(model("m", "Qwen"))
    models.take_event("job", job("j", "get", "m", state="failed", message="the disk is full", fix="Make room"), 0.0)
    shown = job_shown(models.shown_jobs()[0], models, 0.0)
    assert shown.mark == "failed"
    assert shown.text == "Couldn't get Qwen. The disk is full. Make room."


def test_an_import_tells_what_was_left_out_and_why() -> None:
    models = known()
    for number, (adopted, skipped) in enumerate([(2, 0), (0, 0), (1, 2)]):
        left_out = [{"id": "phi", "problem": "it is split over files"}] * skipped
        result = {"models": ["m"] * adopted, "skipped": left_out}
        models.take_event("job", job(f"j{number}", "import", "ollama", state="done", result=result), 0.0)
    assert [job_shown(one, models, 0.0).text for one in models.shown_jobs()] == [
        "Imported from Ollama: 2 models.",
        "Imported from Ollama: there was no model.",
        "Imported from Ollama: 1 model. Left out: phi (it is split over files) and 1 more.",
    ]


def test_a_model_for_embeddings_has_no_speed_test() -> None:
    assert "bench" not in verbs(known(model("m", kind="embedding")))


@pytest.mark.parametrize(("seconds", "told"), [(3, "less than a minute left"), (61, "2 min left"), (7300, "2 h 2 min left")])
def test_what_is_left_is_rather_told_too_long_than_too_short(seconds: float, told: str) -> None:
    assert left(seconds) == told


@given(st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_no_result_of_a_speed_test_breaks_the_page(result: Any) -> None:
    assert speeds_of({"rows": result}) is not None and speeds_of(result) is not None


def test_the_first_model_is_the_most_able_that_fits_and_a_toy_only_where_nothing_else_does() -> None:
    toy = model("toy", state="not_here", memory_bytes=GB, demonstration=True)
    good = model("good", state="not_here", memory_bytes=6 * GB)
    big = model("big", state="not_here", memory_bytes=40 * GB, fits=False)
    slow = model("slow", state="not_here", memory_bytes=8 * GB, bytes=5 * GB)  # three threads write 4 tokens a second
    words_only = model("embed", state="not_here", kind="embedding", memory_bytes=9 * GB)
    chosen = words.first_model(known(toy, good, big, words_only))
    assert chosen is not None and chosen.id == "good"
    chosen = words.first_model(known(toy, good, slow))
    assert chosen is not None and chosen.id == "good"
    quick = model("quick", state="not_here", memory_bytes=7 * GB, bytes=4 * GB)
    chosen = words.first_model(known(toy, good, quick, slow, threads=16))
    assert chosen is not None and chosen.id == "quick"
    chosen = words.first_model(known(toy, good, slow, threads=1))
    assert chosen is not None and chosen.id == "good"
    chosen = words.first_model(known(toy, slow))
    assert chosen is not None and chosen.id == "slow"
    chosen = words.first_model(known(toy, big, words_only))
    assert chosen is not None and chosen.id == "toy"
    assert words.first_model(known(big)) is None
    assert words.first_model(known(toy, model("here"))) is None


@pytest.mark.parametrize(
    ("origin", "path", "stays"),
    [
        ("catalogue", "/home/a/models/x.gguf", False),
        ("added", "/home/a/models/x.gguf", False),
        ("added", "/data/x.gguf", True),
        ("added", "/home/a/models-of-mine/x.gguf", True),
        ("ollama", "/usr/share/ollama/blobs/sha256-1", True),
        ("ollama", None, True),
    ],
)
def test_removing_says_whether_the_file_stays(origin: str, path: str | None, stays: bool) -> None:
    models = known(model("m", origin=origin, running=2))
    question, told = words.remove_question(models.all()[0], path, "/home/a/models")
    assert question == "Remove m?"
    assert ("The file stays where it is" in told) == stays
    assert ("is deleted" in told) != stays
    assert "2 requests to it will fail" in told


def test_every_word_of_a_search_must_stand_somewhere() -> None:
    models = known(model("a", "Qwen 7B", good_for="Tools and tables."), model("b", "Llama", licence="llama3.2"))
    assert [one.id for one in models.found("TABLES qwen")] == ["a"]
    assert [one.id for one in models.found("llama3")] == ["b"]
    assert not models.found("tables llama")
    assert len(models.found("  ")) == 2


def test_details_tell_what_is_known_and_leave_the_rest_out() -> None:
    models = known(model("m", context_tokens=4096, rss_bytes=GB, licence=""))
    told = dict(facts(models.all()[0], None))
    assert told["Context"] == "4,096 tokens a conversation"
    assert told["Licence"] == "not stated in the file"
    assert "Architecture" not in told
    assert need_line(models.all()[0], models.memory, Need(1, 1, 1, 3 * GB)) == "About 3.0 GB when loaded; it uses 1.0 GB now."
    assert hash_lines("abcdefgh12345678") == "abcdefgh 12345678"


def test_a_template_is_text_and_has_an_end() -> None:
    details = details_of({"chat_template": "<b>{{ x }}</b>\x00" + "z" * 200_000, "tools": True})
    assert details is not None and details.chat_template is not None
    assert details.chat_template.startswith("<b>{{ x }}</b>z")
    assert len(details.chat_template) < 70_000
    assert details_of([]) is None


def test_an_id_that_is_no_name_is_not_shown_raw() -> None:
    models = known(model("a\u202eb\n<b>", ""))
    shown = words.row(models.all()[0], models)
    assert "\n" not in shown.title and "\u202e" not in shown.title
