"""Stop strings over the borders of tokens: found wherever they are cut, and what only looked like one is given out."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.local.engines.batching.stop_strings import StopStrings


def fed(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    found = StopStrings(stops)
    out = "".join(map(found.feed, pieces))
    return out + found.close(), found.found


few = st.text(alphabet="ab\n", max_size=12)


@given(st.lists(few.filter(bool), max_size=4), st.lists(few, max_size=10))
def test_it_is_as_if_the_text_had_come_in_one_piece(stops: list[str], pieces: list[str]) -> None:
    text = "".join(pieces)
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    out, found = fed(stops, pieces)
    assert found == bool(places)
    if not places:
        assert out == text
    else:  # one that was complete earlier ends it, even where another had begun before it
        assert any(out + stop == text[: len(out) + len(stop)] for stop in stops)
        assert not any(stop in out for stop in stops)


def test_nothing_of_a_stop_string_goes_out_before_it_is_known() -> None:
    stops = StopStrings(["</end>"])
    assert [stops.feed(piece) for piece in ("a <", "/en", "d b </en", "d>", "more")] == ["a ", "", "</end b ", "", ""]
    assert stops.found


def test_text_goes_out_at_once_where_no_stop_string_can_begin() -> None:
    assert StopStrings(["###"]).feed("words # ") == "words # "


def test_a_beginning_within_a_beginning_is_kept() -> None:
    assert fed(["aab"], ["aa", "ab", "x"]) == ("a", True)
