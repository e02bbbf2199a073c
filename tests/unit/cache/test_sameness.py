"""Whether two questions are provably the same: what each rule explains, and what looks like it and is refused."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.cache.sameness import Verifier, verdict

# rule: (A, B that asks the same, C that doesn't)
RULES = {
    "case and punctuation": ("What is our leave policy?", "what is our leave policy", "what is our loan policy"),
    "contractions": ("Why doesn't it build?", "Why does not it build?", "Why does it build?"),
    "missing apostrophes": ("Why dont we ship?", "Why don't we ship?", "Why do we ship?"),
    "politeness": ("Hi, could you please list our offices? Thanks!", "List our offices.", "List our officers."),
    "a question put indirectly": (
        "Do you know where the first aid kit is?",
        "Where is the first aid kit?",
        "What is the first aid kit?",
    ),
    "does left out": ("Tell me when the audit starts.", "When does the audit start?", "When did the audit start?"),
    "whether": ("Can you tell me if I can resign?", "Can I resign?", "Can he resign?"),
    "how to": ("Could you show me how to merge branches?", "How do I merge branches?", "Why do I merge branches?"),
    "way of doing": ("What is the process for booking a room?", "How do I book a room?", "How do I cook a room?"),
    "spelling": ("Organise the colour catalogue", "Organize the color catalog", "Organize the color cabinet"),
    "number words": ("Name twenty-five risks", "Name 25 risks", "Name 26 risks"),
    "lakh and crore": ("Tax on 10 lakh rupees", "Tax on ₹10,00,000", "Tax on ₹1,00,000"),
    "thousands": ("Is 20k users too many?", "Is 20,000 users too many?", "Is 20 users too many?"),
    "percent": ("What is 15% of 80?", "What is 15 per cent of 80?", "What is 15.5% of 80?"),
    "units": ("Is 10 km far?", "Is 10 kilometres far?", "Is 10 m far?"),
    "bits and bytes": ("Is 100 Mbps fast?", "Is 100mbps fast?", "Is 100 MBps fast?"),
    "dates": ("Events on 5th March 2024", "Events on 2024-03-05", "Events on 2024-05-03"),
    "times": ("Call me at 5 pm", "Call me at 17:00", "Call me at 5 am"),
    "abbreviations": ("Where is the HR department?", "Where is the human resources dept?", "Where is the IT department?"),
    "synonyms": ("How do I purchase a big desk?", "How do I buy a large desk?", "How do I sell a large desk?"),
    "misspellings": (
        "What is the reimbursment limit here?",
        "What is the reimbursement limit here?",
        "What is the upper limit here?",
    ),
    "compounds": ("Where is my time sheet?", "Where is my timesheet?", "Where is my balance sheet?"),
    "articles": ("What is the leave policy?", "What is leave policy?", "What is this leave policy?"),
    "kinds of things": ("What is a decorator in Python?", "What are decorators in Python?", "What are generators in Python?"),
    "a fronted adverbial": ("In Go, how do I sort a list?", "How do I sort a list in Go?", "How do I sort a list into Go?"),
    "a fronted clause": ("If I resign, what do I owe?", "What do I owe if I resign?", "What do I owe unless I resign?"),
    "a difference": (
        "What is the difference between a list and a tuple?",
        "How is a tuple different from a list?",
        "Compare a list and a set.",
    ),
    "a statement before": ("I lost my key, how do I get in?", "I lost my key. How do I get in?", "I lost my keys. Can I get in?"),
    "what for which": ("What documents are required?", "Which documents are required?", "Which documents were required?"),
    "lists of names": ("Taxes in Goa and Kerala", "Taxes in Kerala and Goa", "Taxes in Goa or Kerala"),
    "hindi ways to ask": ("क्या आप बता सकते हैं कि पीएफ कैसे निकालें?", "पीएफ कैसे निकालते हैं?", "पीएफ क्यों निकालें?"),
    "hindi spelling": ("हिन्दी में १० कविताएँ लिखिए।", "हिंदी में 10 कविताएं लिखो", "हिंदी में 20 कविताएं लिखो"),
    "hinglish": ("please batao VPN kaise connect karein", "VPN kaise connect kare?", "VPN kyun connect kare?"),
}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_explains_what_it_is_for_and_nothing_that_looks_like_it(rule: str) -> None:
    one, same, other = RULES[rule]
    assert verdict(one, same).same, verdict(one, same).reason
    refused = verdict(one, other)
    assert not refused.same
    assert refused.reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What does == do?", "What does === do?"),
        ("What is the type of user_id?", "What is the type of userId?"),
        ("What does a && b give?", "What does a & b give?"),
        ("How do I run cp -r here?", "How do I run cp -R here?"),
        ("How do you spell colour?", "How do you spell color?"),
        ("Translate: please come in", "Translate: come in"),
        ("Fix this: SELECT name FROM users", "Fix this: SELECT Name FROM users"),
        ("Explain:\n```\nx = 1\n  y = 2\n```", "Explain:\n```\nx = 1\ny = 2\n```"),
        ("Show the few risks", "Show a few risks"),
        ("Report for 03/04/2025", "Report for 04/03/2025"),
        ("What is new in Python 3.1?", "What is new in Python 3.10?"),
        ("Is it 5G?", "Is it 5 g?"),
        ("Does it support us?", "Does it support US?"),
        ("Old men and women in town", "Old women and men in town"),
        ("How do I stop and start it?", "How do I start and stop it?"),
        ("Is the job maybe late?", "Is the job may be late?"),
        ("Is the invoice billable here?", "Is the invoice nonbillable here?"),
        ("When was Marta promoted here?", "When was Martha promoted here?"),
        ("Please the customer", "Customer"),
        ("Do you know how to swim?", "How do I swim?"),
        ("Tell me who Asha can call", "Who can call Asha?"),
        ("Tell me who trusts Asha", "Who does Asha trust?"),
        ("Explain that the code", "Explain the code again"),
        ("Compare 2023 to 2024", "Compare 2024 to 2023"),
        ("What is a cost to us?", "What are costs to them?"),
        ("Is it -5?", "Is it 5?"),
        ("Where is the form for casual leave here?", "Where is the form for causal leave here?"),
        ("राज की परिभाषा क्या है?", "राज़ की परिभाषा क्या है?"),
        ("Wie ist das Wetter?", "Wie ist das, Wetter?"),
        ("今日の予定は?", "今日の予定は!"),
    ],
)
def test_what_looks_alike_and_asks_something_else_is_refused(one: str, other: str) -> None:
    assert not verdict(one, other).same


@pytest.mark.parametrize("verifier", ["balanced", "off", "strict"])
def test_a_text_is_the_same_as_itself(verifier: Verifier) -> None:
    for text in ("", "Ünïcode ☃ 今日", "```\ncode\n```", "x" * 10_000):
        assert verdict(text, text, verifier).same


def test_strict_accepts_form_and_refuses_synonyms() -> None:
    assert verdict("How do I buy it?", "how can I buy it", "strict").same
    assert not verdict("How do I buy it?", "How do I purchase it?", "strict").same


def test_a_refusal_says_what_stands_in_the_way() -> None:
    assert verdict("Which tests failed?", "Which tests did not fail?").reason == "'did' is not 'failed'"
    assert verdict("Can I park here?", "Can I not park here?").reason == "'not' stands in only one"
    assert verdict("Fly from Pune to Goa", "Fly from Goa to Pune").reason == "the same words stand in another order"


PIECES = (
    "how do i",
    "can you tell me",
    "the",
    "a",
    "not",
    ",",
    ".",
    "(",
    "5",
    "km",
    "ten",
    "`x`",
    '"q"',
    "क्या",
    "kaise",
    "and",
    "if",
)
TEXTS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))


@given(TEXTS, TEXTS)
@example("how do i", "how to")
@settings(deadline=None, max_examples=300)
def test_the_verdict_is_symmetric_and_never_raises(one: str, other: str) -> None:
    assert verdict(one, other) == verdict(other, one)
    assert verdict(one, one).same


@pytest.mark.parametrize(
    "part", ["a ", "can you tell me ", "one hundred and ", "((((", "if , ", '" ', "9", "difference between x and ", "please "]
)
def test_hostile_length_ends_in_a_miss_with_a_short_reason(part: str) -> None:
    text = part * 2_000
    refused = verdict(text, text + "b")
    assert not refused.same
    assert 0 < len(refused.reason) < 250
