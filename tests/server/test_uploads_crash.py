"""kill -9 while files are uploaded and deleted: what was accepted is there, whole; what wasn't has left nothing."""

import hashlib
import http.client
import json
import random
import threading
import time

import pytest

from tests.conftest import MakeAppliance
from tests.running import Appliance
from tests.server.test_uploads_api import FORM, PATH, field, form

ROUNDS, CALLERS, SEED = 5, 4, 20261127


class Uploader(threading.Thread):
    """Uploads and deletes until the server is gone. kept: sha256 by id, as the server accepted it; doubtful: may be gone."""

    def __init__(self, box: Appliance, seed: int) -> None:
        super().__init__(daemon=True)
        self._box = box
        self._chance = random.Random(seed)
        self.kept: dict[str, str] = {}
        self.gone: set[str] = set()
        self.doubtful: set[str] = set()

    def run(self) -> None:
        try:
            while True:
                if self.kept and self._chance.random() < 0.3:
                    self._remove(self._chance.choice(sorted(self.kept)))
                else:
                    self._upload()
        except (OSError, http.client.HTTPException, ValueError):
            return  # the server died under it

    def _upload(self) -> None:
        content = self._chance.randbytes(self._chance.randrange(1, 300_000))
        status, body = self._call("POST", PATH, form(field("purpose", b"user_data"), field("file", content, "a.bin")))
        assert status == 200, body
        self.kept[json.loads(body)["id"]] = hashlib.sha256(content).hexdigest()

    def _remove(self, file_id: str) -> None:
        digest = self.kept.pop(file_id)
        self.doubtful.add(file_id)
        status, body = self._call("DELETE", f"{PATH}/{file_id}", b"")
        assert status == 200, (body, digest)
        self.doubtful.remove(file_id)
        self.gone.add(file_id)

    def _call(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._box.host, self._box.port, timeout=20)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self._box.api_key}", **FORM})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@pytest.mark.timeout(300)
def test_no_accepted_file_is_lost_and_none_is_half_there_after_kill_9(appliance: MakeAppliance) -> None:
    box = appliance(settings={"local_models": False, "guardrail_policy": "off"})
    assert box.api_key
    chance = random.Random(SEED)
    accepted: dict[str, str] = {}
    deleted = 0
    for round_number in range(ROUNDS):
        callers = [Uploader(box, SEED + round_number * 10 + number) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        time.sleep(0.2 + chance.random() * 0.8)
        box.kill()
        for caller in callers:
            caller.join(20)
        box.start()
        folder = box.home / "uploads"
        rows = {row["id"]: row for row in box.rows("SELECT id, bytes, sha256 FROM uploaded_files")}
        assert {one.name for one in folder.iterdir()} == set(rows), f"round {round_number}"
        for caller in callers:
            accepted.update(caller.kept)
            deleted += len(caller.gone)
            assert not caller.gone & rows.keys(), "told to be deleted, and here again"
        for file_id, row in rows.items():
            content = (folder / file_id).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (row["bytes"], row["sha256"])
        for file_id, digest in accepted.items():
            assert rows[file_id]["sha256"] == digest, f"round {round_number}: accepted, and lost"
    assert len(accepted) > ROUNDS, "hardly a file: this proved nothing"
    assert deleted, "nothing was deleted: this proved nothing"


@pytest.mark.parametrize("place", ["uploads.move", "uploads.row", "uploads.delete"])
def test_a_failure_at_any_step_leaves_no_half_of_a_file(appliance: MakeAppliance, place: str) -> None:
    box = appliance(settings={"local_models": False}, env={"GATEHOUSE_TEST": "1", "GATEHOUSE_TEST_FAULT": place})
    body = form(field("purpose", b"user_data"), field("file", b"x", "a.bin"))
    answer = box.call("POST", PATH, body, token=box.api_key, headers=FORM)
    if place == "uploads.delete":
        file_id = answer.json["id"]
        box.call("DELETE", f"{PATH}/{file_id}", token=box.api_key)
        assert box.call("GET", f"{PATH}/{file_id}", token=box.api_key).status == 404
        box.restart()
    else:
        assert answer.status in (500, 503), answer
        assert box.call("GET", PATH, token=box.api_key).json["data"] == []
    assert {one.name for one in (box.home / "uploads").iterdir()} == set()
    again = box.call("POST", PATH, body, token=box.api_key, headers=FORM)
    assert again.status == 200, again
