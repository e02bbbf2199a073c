"""What the Keys page says and sends, without Qt."""

import ast
import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gui import account_form_state as account_forms
from gui import account_row_state as accounts
from gui import key_form_state as forms
from gui import key_row_state as words
from gui.account_form_state import AccountForm
from gui.key_form_state import KeyForm
from gui.keys_state import ApiKey, Ended, Keys, Made, ServiceAccount, ended_of, key_of, made_of
from gui.listed_state import Listed
from gui.moments_state import ago, ahead
from tests.gui.keys_stand_in import account, key, person, unit

AT = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)


def when(**away: float) -> str:
    return (AT + timedelta(**away)).isoformat()


def one(name: str = "wiki", **more: Any) -> ApiKey:
    found = key_of(key(name, **more))
    assert found is not None
    return found


def held(name: str = "wiki", **more: Any) -> ServiceAccount:
    return msgspec.convert(account(name, **more), ServiceAccount)


def known(*keys: Any, **suspended: str) -> Keys:
    """With Asha of Research and the service account wiki of its team Search. `suspended`: which of them since when."""
    made = Keys()
    made.keys.take(list(keys), None)
    made.accounts.take([account("wiki", team_id="team_s", department_id="dpt_r", suspended_at=suspended.get("wiki"))], None)
    made.take_people([person("Asha Rao", department_id="dpt_r", suspended_at=suspended.get("asha"))])
    department = unit("dpt_r", "Research", suspended_at=suspended.get("research"))
    team = unit("team_s", "Search", department_id="dpt_r", suspended_at=suspended.get("search"))
    assert made.organisation.take([department], [team], [unit("tenant_default", "Ours")])
    return made


# Lists


def page(*names: str) -> list[dict[str, Any]]:
    return [key(name) for name in names]


def names(listed: Listed[ApiKey]) -> list[str]:
    return [item.name for item in listed.items]


def test_the_beginning_of_a_long_list_is_renewed_and_what_follows_stays() -> None:
    listed = Listed(ApiKey)
    assert listed.count == ""
    assert listed.renew(page("d", "c"), "2") and listed.add(page("b", "a"), None)
    assert listed.renew(page("e", "d"), "2")
    assert (names(listed), listed.cursor, listed.count) == (["e", "d", "c", "b", "a"], None, "5")
    assert listed.renew(page("e", "c"), "2")  # d is gone
    assert names(listed) == ["e", "c", "b", "a"]
    assert listed.renew(page("z", "y"), "2")  # nothing of it is known: there is a gap, so all that follows is asked for again
    assert (names(listed), listed.cursor, listed.count) == (["z", "y"], "2", "2+")
    assert listed.renew(page("z"), None)  # that is all of it
    assert (names(listed), listed.cursor) == (["z"], None)
    assert listed.renew([], None) and names(listed) == []


def test_a_list_that_cannot_be_read_leaves_what_is_known() -> None:
    listed = Listed(ApiKey)
    listed.take(page("b", "a"), None)
    for broken in ([{"id": "x"}], ["text"], [{**key("c"), "requests": "many"}]):
        assert not listed.take(broken, None) and not listed.renew(broken, None) and not listed.add(broken, None)
    assert names(listed) == ["b", "a"] and listed.get("key_a") is listed.items[1] and listed.get(None) is None
    listed.put(key("a", requests=5))
    assert listed.items[1].requests == 5 and listed.get("key_a") is listed.items[1]


def test_only_another_list_is_asked_for_anew() -> None:
    keys = known(key("wiki"))
    assert not keys.narrow("stopped") and keys.keys.told  # the gateway knows of no such state
    assert keys.narrow("revoked") and not keys.keys.told and keys.asked_state == "revoked"
    assert keys.nothing_words("") == "Asking the gateway for its keys…"
    keys.keys.take([], None)
    assert keys.nothing_words("") == "No key was revoked." and "“x”" in keys.nothing_words("x")


# Whose


@pytest.mark.parametrize(
    ("more", "holder"),
    [
        ({}, ("Nobody's", "a program on its own")),
        ({"user_id": "user_asha"}, ("Asha Rao", "asha@example.com")),
        ({"user_id": "user_unknown"}, ("…", "")),
        ({"user_id": "user_gone"}, ("Deleted account", "")),
        ({"service_account_id": "sa_wiki"}, ("wiki", "service account")),
        ({"service_account_id": "sa_gone"}, ("Service account", "deleted")),
    ],
)
def test_each_key_says_whose_it_is(more: dict[str, Any], holder: tuple[str, str]) -> None:
    keys = known()
    keys.take_person("user_gone", None)
    assert keys.holder(one(**more)) == holder


def test_names_are_asked_for_once_until_they_are_old() -> None:
    keys = known(*(key(str(n), user_id=f"user_{n % 3}") for n in range(9)), key("x", user_id="user_asha"))
    assert keys.unnamed(2) == ["user_0", "user_1"] and keys.unnamed(9, {"user_1"}) == ["user_0", "user_2"]
    keys.take_person("user_0", person("Zero", id="user_0"))
    keys.take_person("user_1", {"id": 5})  # unreadable: nothing is known
    assert keys.unnamed(9) == ["user_1", "user_2"] and keys.unnamed(0) == []
    keys.age_people()
    assert len(keys.unnamed(9)) == 4 and keys.holder(one(user_id="user_0"))[0] == "Zero"


@pytest.mark.parametrize(
    ("suspended", "more", "by"),
    [
        ({}, {"user_id": "user_asha"}, ""),
        ({"asha": when()}, {"user_id": "user_asha"}, "Asha Rao"),
        ({"research": when()}, {"user_id": "user_asha"}, "Research"),
        ({"search": when()}, {"service_account_id": "sa_wiki"}, "Search"),
        ({"research": when()}, {"service_account_id": "sa_wiki"}, "Research"),
        ({"wiki": when()}, {"service_account_id": "sa_wiki"}, "wiki"),
        ({"asha": when()}, {"user_id": "user_asha", "state": "revoked"}, ""),
        ({"research": when()}, {}, ""),
    ],
)
def test_a_key_is_stopped_by_whoever_above_it_is_suspended(suspended: dict[str, str], more: dict[str, Any], by: str) -> None:
    keys = known(**suspended)
    stopped = one(**more)
    assert keys.stopped_by(stopped) == by
    assert (words.state(stopped, keys, AT).text == "Stopped") == bool(by)
    assert (by in words.problem(stopped, keys, AT)) if by else not words.problem(stopped, keys, AT)


# Its row


@pytest.mark.parametrize(
    ("more", "text", "note"),
    [
        ({}, "Active", "doesn't expire"),
        ({"expires_at": when(days=30)}, "Active", "ends in 30 days"),
        ({"expires_at": when(days=3)}, "Ends soon", "ends in 3 days"),
        ({"expires_at": when(hours=-3)}, "Expired", "3 h ago"),  # the list came while it worked
        ({"state": "expired", "expires_at": when(days=-1)}, "Expired", "yesterday"),
        ({"state": "revoked", "revoked_at": when(minutes=-5)}, "Revoked", "5 min ago"),
        ({"previous_until": when(hours=20)}, "Two values", "old ends in 20 h"),
        ({"previous_until": when(hours=-1)}, "Active", "doesn't expire"),
        ({"previous_until": when(hours=1), "state": "revoked", "revoked_at": when(days=-2)}, "Revoked", "2 days ago"),
    ],
)
def test_a_key_says_how_it_stands(more: dict[str, Any], text: str, note: str) -> None:
    shown = words.state(one(**more), known(), AT)
    assert (shown.text, shown.note) == (text, note)


@pytest.mark.parametrize(
    ("more", "text", "note"),
    [
        ({}, "All models", ""),
        ({"scopes": ["models", "chat", "files", "embeddings"]}, "All models", ""),
        ({"scopes": ["models", "chat", "embeddings"]}, "All models", "list of models, chat, embeddings"),
        ({"scopes": ["files", "file_values"]}, "Files, values found in files", ""),
        ({"scopes": ["chat"]}, "All models", "chat"),
        ({"scopes": ["metrics"]}, "Metrics", ""),
        ({"models": ["fast", "openai/*"], "loopback_only": True}, "fast, openai/*", "this machine only"),
        ({"models": list("abcde"), "scopes": ["chat", "new"]}, "a, b, c and 2 more", "chat, new"),
    ],
)
def test_a_key_says_what_it_may(more: dict[str, Any], text: str, note: str) -> None:
    shown = words.may(one(**more))
    assert (shown.text, shown.note) == (text, note)


@pytest.mark.parametrize(
    ("rate", "told"), [(1.0, "100%"), (0.99999, "99.9%"), (0.995, "99.5%"), (0.29, "29%"), (0.0, "0%"), (0.999, "99.9%")]
)
def test_a_part_is_never_told_as_the_whole(rate: float, told: str) -> None:
    assert words.percent(rate) == told


def test_use_is_told_with_its_success() -> None:
    assert words.used(one(), AT).text == "Never"
    busy = words.used(one(requests=12_480, success_rate=0.9975, last_used_at=when(minutes=-2)), AT)
    assert (busy.text, busy.note) == ("2 min ago", "12,480 requests · 99.8% ok")
    assert words.used(one(requests=1, success_rate=None, last_used_at=None), AT).text == "—"


def test_lines_are_made_again_only_where_something_changed() -> None:
    keys, lines = known(key("wiki"), key("other", user_id="user_asha")), words.KeyLines()
    first = lines.lines(keys.keys.items, keys, AT)
    assert all(a is b for a, b in zip(first, lines.lines(keys.keys.items, keys, AT), strict=True))
    keys.asked["key_wiki"] = "revoke"
    keys.take_person("user_asha", person("Asha Iyer", id="user_asha"))
    again = lines.lines(keys.keys.items, keys, AT)
    assert again[0].cells[4].text == "Revoking…" and again[1].cells[1].text == "Asha Iyer"
    assert lines.lines(keys.keys.items, keys, AT + timedelta(minutes=2))[0] is not again[0]  # "2 min ago" goes on


def test_what_cannot_be_done_says_why() -> None:
    keys = known()
    assert not any(action.why for action in words.actions(one(), keys, AT))
    assert all("for good" in action.why for action in words.actions(one(state="revoked"), keys, AT))
    expired = one(state="expired", expires_at=when(days=-1))
    assert {action.verb: bool(action.why) for action in words.actions(expired, keys, AT)} == {
        "edit": False, "rotate": True, "revoke": False,
    }  # fmt: skip
    assert "another end" in words.problem(expired, keys, AT)
    keys.asked["key_wiki"] = "revoke"
    assert all(action.why for action in words.actions(one(), keys, AT))


def test_a_search_finds_holders_models_and_prefixes_and_follows_names() -> None:
    keys = known(key("a", user_id="user_asha", models=["openai/*"]), key("b", service_account_id="sa_wiki"))
    found = lambda text: [item.name for item in keys.found_keys(text)]  # noqa: E731
    assert found("asha@EXAMPLE") == found("openai rao") == ["a"]
    assert found("wiki") == ["b"] and found("gh-prod") == ["a", "b"] and found("nothing") == []
    keys.take_person("user_asha", person("Asha Iyer", id="user_asha"))
    assert found("iyer") == ["a"] and found("rao") == []


def test_a_leaked_value_says_which_key_it_was() -> None:
    keys = known(key("a", user_id="user_asha"))
    whole, part = Ended("key_a", "gh-prod-DPQt"), Ended("key_a", "gh-prod-DPQt", only_previous=True)
    assert words.ended_words(whole, keys, keys.keys.items[0]).startswith(
        "That was “a” (gh-prod-DPQt…, Asha Rao, asha@example.com)"
    )
    assert words.ended_words(part, keys, None) == (
        "That was the value before the last rotation of gh-prod-DPQt… (key_a). It works no more; the newer value goes on working."
    )
    assert "(gh-prod-DPQt…)" in words.ended_words(whole, keys, one(user_id="user_unknown"))  # not: of …


def test_unreadable_answers_are_none_and_values_stay_out_of_logs() -> None:
    assert made_of({"id": "x"}) is ended_of(None) is key_of([]) is None
    made = made_of({"id": "key_a", "name": "a", "key": "gh-secret", "more": 1})
    assert made is not None and "gh-secret" not in repr(made)


# The form


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        (KeyForm("a", user_id="user_a"), []),
        (KeyForm("", holder="nobody"), ["name"]),
        (KeyForm("a" * 201, holder="nobody"), ["name"]),
        (KeyForm("a"), ["holder"]),
        (KeyForm("a", holder="account"), ["holder"]),
        (KeyForm("a", holder="nobody", scopes=()), ["scopes"]),
        (KeyForm("a", holder="nobody", ends="day", day="2026-11-20"), ["expires_at"]),
        (KeyForm("a", holder="nobody", ends="day", day="9999-99-99"), ["expires_at"]),
        (KeyForm("a", holder="nobody", ends="day", day="2027-01-31"), []),
        (KeyForm("a", holder="nobody", models="fast, *, openai/*"), []),
        (KeyForm("a", holder="nobody", models="a*b"), ["models"]),
        (KeyForm("a", holder="nobody", models="x" * 257), ["models"]),
        (KeyForm("a", holder="nobody", models=",".join(map(str, range(201)))), ["models"]),
    ],
)
def test_what_can_be_seen_from_here_is_told_at_its_row(form: KeyForm, wrong: list[str]) -> None:
    assert sorted(forms.wrong(form, None, AT)) == wrong


def test_only_what_was_asked_for_is_sent() -> None:
    assert forms.body(KeyForm("a", holder="nobody"), AT) == {"name": "a", "environment": "production", "expires_at": None}
    full = KeyForm("a", "account", "user_x", "sa_w", "test", "30", scopes=("chat",), models=" fast ,, openai/*,fast")
    assert forms.body(full, AT) == {
        "name": "a", "environment": "test", "expires_at": "2026-12-26T12:00:00+00:00", "scopes": ["chat"],
        "models": ["fast", "openai/*"], "service_account_id": "sa_w",
    }  # fmt: skip
    assert forms.body(KeyForm("a", user_id="user_x", ends="day", day="2027-01-31"), AT)["expires_at"].startswith(
        "2027-01-31T23:59:59"
    )


@pytest.mark.parametrize(
    "more", [{}, {"scopes": ["metrics"]}, {"scopes": ["chat", "new"]}, {"models": ["fast"]}, {"expires_at": when(days=9)}]
)
def test_a_form_that_nobody_touched_changes_nothing(more: dict[str, Any]) -> None:
    before = one(**more)
    form = forms.form_of(before)
    assert forms.changes(form, before, AT) == {} and not forms.wrong(form, before, AT)
    assert "stays" in forms.ends_of(before) and ("never" in forms.ends_of(before)) == bool(before.expires_at)


def test_an_edit_sends_what_differs() -> None:
    before = one(models=["fast"], scopes=["chat"], expires_at=when(days=9))
    form = msgspec.structs.replace(forms.form_of(before), name="b", models="", ends="never", scopes=words.USUAL)
    assert forms.changes(form, before, AT) == {"name": "b", "models": None, "expires_at": None, "scopes": []}


@pytest.mark.parametrize(
    ("param", "row"),
    [
        ("models[3]", "models"),
        ("$.name", "name"),
        ("user_id", "holder"),
        ("service_account_id", "holder"),
        ("", ""),
        ("key_id", ""),
    ],
)
def test_a_complaint_finds_its_row(param: str, row: str) -> None:
    assert forms.row_of(param) == row


def test_lines_to_paste_hold_whatever_stands_in_them() -> None:
    odd = 'it\'s "odd" $(x) ü'
    told = forms.snippets("http://localhost:8000/v1", "gh-prod-x", odd)
    parts = shlex.split(told["curl"].replace("\\\n", " "))
    assert parts[1] == "http://localhost:8000/v1/chat/completions" and "Authorization: Bearer gh-prod-x" in parts
    assert json.loads(parts[-1])["model"] == odd
    calls = [node for node in ast.walk(ast.parse(told["OpenAI SDK (Python)"])) if isinstance(node, ast.keyword)]
    values = {node.arg: node.value.value for node in calls if isinstance(node.value, ast.Constant)}
    assert values == {"base_url": "http://localhost:8000/v1", "api_key": "gh-prod-x", "model": odd}


@pytest.mark.parametrize(
    ("offered", "models", "chosen"),
    [
        (["a", "b"], None, "a"),
        (["a", "b"], ["b"], "b"),
        (["a", "openai/x"], ["openai/*"], "openai/x"),
        ([], ["fast"], "fast"),
        ([], ["openai/*"], "YOUR_MODEL"),
        ([], None, "YOUR_MODEL"),
    ],
)
def test_the_lines_name_a_model_that_the_key_may_ask_for(offered: list[str], models: list[str] | None, chosen: str) -> None:
    assert forms.model_for(offered, models) == chosen


def test_a_rotation_says_until_when_the_old_value_works() -> None:
    assert forms.made_words(Made("i", "n", "k"), is_rotated=False).startswith("Copy it now")
    assert "works no more" in forms.made_words(Made("i", "n", "k", previous_until="2020-01-01T00:00:00Z"), is_rotated=True)
    assert "works until 2099-0" in forms.made_words(Made("i", "n", "k", previous_until="2099-01-05T00:00:00Z"), is_rotated=True)
    assert "ends at once" in forms.rotate_words(one(previous_until=when(days=1)), has_two=True)


# Service accounts


@pytest.mark.parametrize(
    ("keys", "suspends", "deletes"),
    [
        (0, "It has no keys.", "It has no keys. It can't be brought back."),
        (1, "Its key stops with the next request, and works again once it is resumed.", "Its key is deleted with it"),
        (2, "Its 2 keys stop with the next request, and work again once it is resumed.", "Its 2 keys are deleted with it"),
    ],
)
def test_what_becomes_of_its_keys_is_said_first(keys: int, suspends: str, deletes: str) -> None:
    assert accounts.suspend_question(held(keys=keys)) == ("Suspend wiki?", suspends)
    assert accounts.delete_question(held(keys=keys))[1].startswith(deletes)


def test_a_suspended_account_is_resumed_and_not_suspended_again() -> None:
    keys = known()
    assert {one.verb for one in accounts.actions(held(), keys) if one.why} == {"resume"}
    assert {one.verb for one in accounts.actions(held(suspended_at=when()), keys) if one.why} == {"suspend"}
    assert accounts.state(held(team_id="team_s"), known(search=when())).text == "Stopped"
    assert accounts.line(held(department_id="dpt_r", team_id="team_s"), keys).cells[1].text == "Research · Search"


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (AccountForm("wiki", "d1", "t1"), {}),
        (AccountForm("new", "d1", "t1"), {"name": "new"}),
        (AccountForm("wiki", "d1", "t2"), {"team_id": "t2"}),
        (AccountForm("wiki", "d2", "t3"), {"team_id": "t3"}),  # it brings its department along
        (AccountForm("wiki", "d1", None), {"team_id": None}),
        (AccountForm("wiki", "d2", None), {"department_id": "d2"}),  # it goes there without its team
        (AccountForm("wiki", None, None), {"department_id": None}),
    ],
)
def test_an_account_is_moved_by_what_differs(form: AccountForm, sent: dict[str, Any]) -> None:
    assert account_forms.changes(form, held(department_id="d1", team_id="t1")) == sent


def test_a_new_account_is_sent_with_its_team_alone() -> None:
    assert account_forms.body(AccountForm("a", "d1", "t1")) == {"name": "a", "team_id": "t1"}
    assert account_forms.body(AccountForm("a", "d1")) == {"name": "a", "department_id": "d1"}
    assert account_forms.body(AccountForm("a")) == {"name": "a"} and account_forms.wrong(AccountForm()) != {}


# Moments


@pytest.mark.parametrize(
    ("moment", "before", "after"),
    [
        (when(seconds=-20), "just now", "just now"),
        (when(hours=-23), "23 h ago", "23 h ago"),
        (when(seconds=20), "just now", "in 1 min"),
        (when(hours=47), "just now", "in 47 h"),
        (when(days=60), "just now", "in 60 days"),
        (None, "", ""),
        ("nonsense", "", ""),
    ],
)
def test_moments_are_told_as_one_says_them(moment: str | None, before: str, after: str) -> None:
    assert (ago(moment, AT), ahead(moment, AT)) == (before, after)
