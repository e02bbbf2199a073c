"""Many files at once: everyone is answered, with the right verdict or with a word when to come again; memory stays bounded."""

from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake, eventually
from tests.server.test_files_scan import SSN, form, part, scan
from tests.unit.files.docx_files import CARD, made, paragraph, run
from tests.unit.files.pdf_files import Pdf, shown

MIB = 1024 * 1024
CLEAN = b"Nothing stands in this letter but good wishes."


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")], "guardrail_policy": "default"})


def pdf(text: str) -> bytes:
    file = Pdf()
    file.page(shown(text))
    return file.data()


SORTS: list[tuple[str, bytes, str]] = [
    ("dirty.txt", f"SSN {SSN}".encode(), "flagged"),
    ("clean.txt", CLEAN, "clean"),
    ("dirty.pdf", pdf(f"card {CARD}"), "flagged"),
    ("clean.csv", b"a,b\n1,2\n3,4\n", "clean"),
    ("dirty.docx", made(body=paragraph(run(f"card {CARD}"))), "flagged"),
    ("broken.pdf", b"%PDF-1.7 nonsense", "unreadable"),
    ("dirty.html", f"<p>card {CARD}</p>".encode(), "flagged"),
    ("empty.txt", b"", "unreadable"),
]


def memory(door: Appliance) -> int:
    return int(psutil.Process(door.pid).memory_info().rss)


def hundred(first: int) -> tuple[bytes, list[str]]:
    chosen = [SORTS[number % len(SORTS)] for number in range(first, first + 100)]
    return form(*(part(data, name) for name, data, _ in chosen)), [verdict for _, _, verdict in chosen]


def test_five_hundred_files_in_one_request_are_refused_in_words_and_nothing_stays_busy(door: Appliance) -> None:
    answer = scan(door, form(*(part(CLEAN, f"{number}.txt") for number in range(500))))
    assert answer.status in (400, 413), answer
    assert "100" in answer.error["message"] + answer.error["fix"], answer.error
    assert scan(door, form(part(CLEAN))).json["files"][0]["verdict"] == "clean"


def test_five_hundred_files_in_five_requests_all_get_their_own_verdict(door: Appliance) -> None:
    before = memory(door)
    asked = [hundred(first) for first in range(5)]
    with ThreadPoolExecutor(5) as senders:
        answers = list(senders.map(lambda body: scan(door, body), [body for body, _ in asked]))
    for answer, (_, verdicts) in zip(answers, asked, strict=True):
        assert answer.status == 200, answer
        assert [told["verdict"] for told in answer.json["files"]] == verdicts
    assert memory(door) - before < 150 * MIB


def test_two_hundred_requests_at_once_are_all_answered(door: Appliance) -> None:
    before = memory(door)
    scan(door, form(part(CLEAN)))

    def one(number: int) -> tuple[Answer, str]:
        name, data, verdict = SORTS[number % len(SORTS)]
        return scan(door, form(part(data, name))), verdict

    with ThreadPoolExecutor(200) as senders:
        answers = list(senders.map(one, range(200)))
    for answer, verdict in answers:
        if answer.status == 200:
            assert answer.json["files"][0]["verdict"] == verdict
        else:
            assert answer.status in (429, 503), answer
            assert int(answer.headers["retry-after"]) >= 1
    assert sum(answer.status == 200 for answer, _ in answers) >= 100
    assert memory(door) - before < 150 * MIB
    eventually(lambda: scan(door, form(part(CLEAN))).status == 200)


def test_whoever_is_one_too_many_is_told_when_to_come_again(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance(
        settings={
            "providers": [upstream.provider("fake")],
            "guardrail_policy": "default",
            "files_queue_max": 1,
            "files_workers": 1,
        }
    )
    assert scan(door, form(part(CLEAN))).status == 200
    slow = form(part(b"a,b\n" + b"1,2\n" * 400_000, "large.csv"))
    with ThreadPoolExecutor(12) as senders:
        answers = list(senders.map(lambda _: scan(door, slow), range(12)))
    busy = [answer for answer in answers if answer.status != 200]
    assert busy and len(busy) < len(answers)
    for answer in busy:
        assert (answer.status, answer.error["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1 and answer.error["fix"]
    assert scan(door, form(part(CLEAN))).json["files"][0]["verdict"] == "clean"
