"""Names of people and addresses, in sentences written for this. What is found on shared rows: tests/eval/names.py."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from appliance.data import data_folder
from appliance.guardrails.detectors.names import Names, tagger
from appliance.guardrails.scanner import Scanner
from appliance.guardrails.tagger import LABELS, best_path, weights_in
from appliance.guardrails.words import words_of

SCANNER = Scanner([], [Names()])


def told(text: str) -> list[tuple[str, str]]:
    return [(one.type, text[one.start : one.end]) for one in SCANNER.find(text) if one.score >= 0.5]


PERSONS = [
    ("My name is Priya Raghunathan and I need help.", ["Priya Raghunathan"]),
    ("Dear Dr. Okonkwo,\n\nthank you for your letter.", ["Okonkwo"]),
    ("Please call Tomáš Havlíček or Mrs. Lindqvist tomorrow.", ["Tomáš Havlíček", "Lindqvist"]),
    ('{"customer_name": "Farida Al-Mansouri", "total": 12}', ["Farida Al-Mansouri"]),
    ("From: Hiroshi Yamashita <h@example.com>\nSubject: minutes", ["Hiroshi Yamashita"]),
    ("Patient: Margaret O'Donnell, admitted with chest pain.", ["Margaret O'Donnell"]),
    ("hi, this is sunita deshpande from accounts", ["sunita deshpande"]),
    ("मेरा नाम अनुराधा वैद्य है।", ["अनुराधा वैद्य"]),
    ("श्री रमेश कुलकर्णी ने फोन किया।", ["रमेश कुलकर्णी"]),
    ("मेरा नाम Kavita Joshi है।", ["Kavita Joshi"]),
    ("Ich heiße Annegret Osterkamp.", ["Annegret Osterkamp"]),
    ("Je m'appelle Thibault Marchand.", ["Thibault Marchand"]),
    ("Me llamo Rocío Villalobos.", ["Rocío Villalobos"]),
    ("Best regards,\nChinedu Eze", ["Chinedu Eze"]),
    (
        r'{"arguments": "{\"customer\": \"Farida Mansouri\", \"text\": \"Dear Ms Lindqvist\\nHello\"}"}',
        ["Farida Mansouri", "Lindqvist"],
    ),
    ("The film was directed by Wen Zhao and starred Olga Petrenko.", ["Wen Zhao", "Olga Petrenko"]),
]


@pytest.mark.parametrize(("text", "names"), PERSONS, ids=range(len(PERSONS)))
def test_people_are_found_without_their_titles(text: str, names: list[str]) -> None:
    assert told(text) == [("PERSON", name) for name in names]


ADDRESSES = [
    ("Ship it to 742 Birchwood Avenue, Apt 3B, Springfield, IL 62704.", "742 Birchwood Avenue, Apt 3B, Springfield, IL 62704"),
    ("I live at 17 Harcourt Road, Bristol BS6 7JQ.", "17 Harcourt Road, Bristol BS6 7JQ"),
    ("Address: Flat 12B, Shanti Towers, MG Road, Near City Mall, Pune - 411001", None),
    ("My address is H.No. 45, Sector 21, Chandigarh 160022", "H.No. 45, Sector 21, Chandigarh 160022"),
    ("मेरा पता मकान नंबर 45, गांधी नगर, जयपुर 302015 है।", "मकान नंबर 45, गांधी नगर, जयपुर 302015"),
    ("Meine Adresse ist Lindenstraße 27, 50674 Köln.", "Lindenstraße 27, 50674 Köln"),
    ("J'habite au 8 rue des Tilleuls, 69003 Lyon.", "8 rue des Tilleuls, 69003 Lyon"),
    ("Mi dirección es Calle Mayor 15, 28013 Madrid.", "Calle Mayor 15, 28013 Madrid"),
    ('{"address": "9 Elm Street, Dayton, OH 45402", "id": 4}', "9 Elm Street, Dayton, OH 45402"),
    (
        "Delivery address:\n221 King Street\nSuite 4\nToronto, ON M5H 1K5\n\nThank you",
        "221 King Street\nSuite 4\nToronto, ON M5H 1K5",
    ),
]


@pytest.mark.parametrize(("text", "address"), ADDRESSES, ids=range(len(ADDRESSES)))
def test_addresses_are_found_whole(text: str, address: str | None) -> None:
    assert told(text) == [("ADDRESS", address or text.removeprefix("Address: "))]


HARMLESS = [
    "The quick brown fox jumps over the lazy dog.",
    "We moved from Hamburg to Lisbon in March.",
    "Docker and Kubernetes run on Ubuntu; Jenkins builds them.",
    "Use Dijkstra's algorithm, then apply Bayes' theorem.",
    "Manchester United beat Arsenal on Saturday.",
    "Dear Sir or Madam,\nplease find the invoice attached.\nKind regards,\nCustomer Support",
    "TODO: READ THE TERMS AND CONDITIONS",
    "def parse_name(first_name, last_name):\n    return first_name + last_name",
    '{"status": "ACTIVE", "city": "Pune", "count": 3}',
    "2026-01-04T10:00:01Z ERROR worker 7: timeout after 300 ms",
    "आज मौसम बहुत अच्छा है।",
    "Send it to asha.verma@example.com or billing@example.org",
    "Will you mark the date in May? Hope is not a plan.",
    "-----BEGIN CERTIFICATE-----\\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkq\\n-----END CERTIFICATE-----",
    "Chapter 12: The Long Winter",
    "Take Aspirin twice daily, and rest on Sunday.",
]


@pytest.mark.parametrize("text", HARMLESS, ids=range(len(HARMLESS)))
def test_harmless_texts_have_no_findings(text: str) -> None:
    assert told(text) == []


def test_who_was_named_in_full_is_found_again_by_surname() -> None:
    text = (
        "The report was signed by Marguerite Fontaine. Later that week the board thanked Fontaine. Fontaine Ltd. was not there."
    )
    assert [shown for _, shown in told(text)] == ["Marguerite Fontaine", "Fontaine"]


def test_findings_point_into_the_text_as_it_was_given() -> None:
    assert told("ﬁne\u200b: my name is Ｐriya Sharma.") == [("PERSON", "Ｐriya Sharma")]


def test_threads_share_what_is_known() -> None:
    def texts(seed: int) -> list[str]:
        source = random.Random(seed)
        words = ["".join(source.choice("abcdefgh") for _ in range(5)) for _ in range(3000)]
        return [f"My name is Priya Sharma and {' '.join(words[at : at + 50])}" for at in range(0, 3000, 50)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda seed: [told(text)[:1] for text in texts(seed % 4)], range(16)))
    assert all(one == [("PERSON", "Priya Sharma")] for many in found for one in many)


def test_words_cover_the_whole_text() -> None:
    for seed in range(500):
        source = random.Random(seed)
        text = "".join(source.choice("aB1'’.- \n\tरि।\x00é€S\\n_\ud800\U0001f600") for _ in range(source.randrange(40)))
        words = words_of(text)
        assert "".join(words.shown) == text
        assert (words.ends or [0])[-1] == len(text)
        SCANNER.find(text)


def test_the_best_path_is_the_best_of_all() -> None:
    weights = tagger().weights
    moves, first = weights.moves.tolist(), weights.first.tolist()
    for seed in range(60):
        source = random.Random(seed)
        scores = [[source.uniform(-3, 3) for _ in LABELS[1:]] for _ in range(4)]
        totals = {}
        for number in range(len(LABELS) ** 4):
            path = [number // len(LABELS) ** place % len(LABELS) for place in range(4)]
            steps = sum(moves[one][two] for one, two in pairwise(path)) + moves[path[-1]][0]
            totals[tuple(path)] = (
                first[path[0]] + steps + sum((0.0, *row)[label] for row, label in zip(scores, path, strict=True))
            )
        assert totals[tuple(best_path(scores, first, moves))] == pytest.approx(max(totals.values()))


def test_the_weights_are_small_and_are_read_back_as_written(tmp_path: object) -> None:
    file = data_folder("models") / "names.bin"
    assert file.stat().st_size < 5_000_000
    weights = weights_in(file)
    assert weights.packed() == file.read_bytes()


REPEATS = [
    "Mr. John ",
    "12 Main Street, ",
    "a" * 7 + " ",
    "Dr.\n",
    "मकान 1, ",
    "\\n",
    "   \n",
    "Ab1",
    "'",
    "A.B. ",
    "Flat\n1\n",
    "Priya Rao, ",
]


@pytest.mark.parametrize("repeat", REPEATS, ids=range(len(REPEATS)))
def test_nearly_matching_texts_take_linear_time(repeat: str) -> None:
    def seconds(length: int) -> float:
        text, best = (repeat * (length // len(repeat) + 1))[:length], 1e9
        for _ in range(3):
            began = time.thread_time()
            SCANNER.find(text)
            best = min(best, time.thread_time() - began)
        return best

    assert seconds(40_000) < 40 * max(seconds(4_000), 0.001), "ten times the text; a square would be a hundred times the time"
