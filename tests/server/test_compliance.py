"""What an auditor is told of a pack: findings, actions, exceptions and changes, and never a value."""

from typing import Any

import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

EMAIL, SSN, MRN = "asha.verma@mail.example.in", "123-45-6789", "00482913"


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    """With a day behind it: requests under three policies, and changes."""
    box = appliances(
        settings={
            "providers": [upstream.provider("fake"), upstream.provider("lenient", lenient=True)],
            "guardrail_policy": "default",
        }
    )
    sound = {"type": "input_audio", "input_audio": {"format": "wav", "data": "A" * 400}}
    said = [{"type": "text", "text": "Listen"}, sound]
    assert box.chat(chat("fake/gpt-4o", f"Write to {EMAIL}, SSN {SSN}")).status == 200
    assert box.chat(chat("lenient/gpt-4o", said)).status == 200
    for policy, mode in (("hipaa", "enforce"), ("gdpr", "shadow")):
        call(box, "POST", "policy-assignments", {"subject": {"kind": "everyone"}, "policy": policy, "mode": mode})
    assert box.chat(chat("fake/gpt-4o", f"Patient MRN: {MRN} was admitted.")).status == 503
    assert box.chat(chat("fake/gpt-4o", f"Write to {EMAIL} and {EMAIL}")).status == 200
    return box


def call(door: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return door.call(method, f"/api/v1/admin/{path}", body, token=door.owner_token)


def report(door: Appliance, pack: str, query: str = "") -> Any:
    answer = call(door, "GET", f"compliance/{pack}/report{query}")
    assert answer.status == 200, answer.json
    return answer.json


def test_findings_tell_what_was_done_about_what_the_pack_regulates(door: Appliance) -> None:
    told = report(door, "hipaa")
    found = {(one["type"], one["direction"], one["action"], one["is_shadow"]): one for one in told["findings"]}
    assert found["EMAIL", "input", "mask", False]["count"] == 3
    assert found["EMAIL", "input", "mask", False]["requests"] == 2
    assert found["MRN", "input", "kept_here", False]["requests"] == 1
    assert found["US_SSN", "input", "mask", False]["count"] == 1
    assert found["EMAIL", "input", "tokenise", True]["count"] == 2, "what gdpr would have done"
    assert "164.514" in found["MRN", "input", "mask", False]["answers_to"]
    assert (told["requests"], told["requests_under_it"], told["kept_days"], told["fail"]) == (4, 2, 2192, "closed")


def test_exceptions_name_what_went_past_the_pack(door: Appliance) -> None:
    told = report(door, "hipaa")
    exceptions = {(one["kind"], one["what"]): one["requests"] for one in told["exceptions"]}
    assert exceptions["not_under_it", "default@1"] == 2
    assert exceptions["uninspected", "audio"] == 1
    assert any("biometric" in one for one in told["not_found_here"])
    elsewhere = {one["what"] for one in report(door, "pci-dss")["exceptions"] if one["kind"] == "not_under_it"}
    assert elsewhere == {"default@1", "hipaa@1"}


def test_changes_come_from_the_audit_whose_chain_is_verified(door: Appliance) -> None:
    told = report(door, "hipaa")
    assert [(one["action"], one["target"], one["detail"]["policy"]) for one in told["changes"]] == [
        ("policy.assign", "everyone", "hipaa"),
        ("policy.assign", "everyone", "gdpr"),
    ]
    assert told["changes"][0]["actor"].startswith("user_")
    assert told["audit"]["holds"] and told["audit"]["rows"] >= 4 and len(told["audit"]["hash"]) == 64


def test_a_time_without_requests_has_no_findings(door: Appliance) -> None:
    told = report(door, "hipaa", "?from=2020-01-01&to=2020-02-01T00:00:00Z")
    assert (told["requests"], told["findings"], told["exceptions"], told["changes"]) == (0, [], [], [])
    assert (told["from"], told["to"]) == ("2020-01-01T00:00:00.000Z", "2020-02-01T00:00:00.000Z")


def test_it_can_be_read_as_a_page_and_never_tells_a_value(door: Appliance) -> None:
    answer = call(door, "GET", "compliance/hipaa/report?format=markdown")
    assert answer.headers["content-type"].startswith("text/markdown")
    page = answer.body.decode()
    assert "| MRN | input | kept_here | 1 | 1 | 45 CFR" in page and "## Exceptions" in page
    both = page + str(report(door, "hipaa"))
    assert not any(value in both for value in (EMAIL, SSN, MRN))


@pytest.mark.parametrize(
    ("path", "status", "param"),
    [
        ("compliance/none/report", 404, "pack"),
        ("compliance/default/report", 404, "pack"),
        ("compliance/hipaa/report?from=yesterday", 400, "from"),
        ("compliance/hipaa/report?to=99999-01-01", 400, "to"),
        ("compliance/hipaa/report?from=0001-01-01", 400, "from"),
        ("compliance/hipaa/report?from=2026-02-01&to=2026-01-01", 400, "from"),
        ("compliance/hipaa/report?format=pdf", 400, "format"),
    ],
)
def test_what_there_is_no_report_of_is_refused(door: Appliance, path: str, status: int, param: str) -> None:
    answer = call(door, "GET", path)
    assert (answer.status, answer.error["param"]) == (status, param), answer.json
