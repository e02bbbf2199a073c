"""The server itself parses no file: whatever does is imported in its workers alone."""

import base64
import re
import subprocess
import sys
import textwrap

from tests.calls import chat
from tests.conftest import MakeAppliance
from tests.running import ROOT, Appliance, Fake

PARSERS = {
    *("pypdf", "pypdfium2", "pypdfium2_raw", "docx", "lxml", "PIL", "cv2", "rapidocr", "onnxruntime", "paddleocr", "paddle"),
    *("charset_normalizer", "pyseccomp"),
}
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\nContent-Type: application/octet-stream\r\n\r\n%s\r\n'
    b"--b--\r\n"
)


def scan(door: Appliance, name: bytes, data: bytes) -> int:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    return door.call("POST", "/v1/files/scan", FORM % (name, data), token=door.api_key, headers=headers).status


def imported(output: str) -> set[str]:
    """Top-level modules, from what Python writes with -X importtime."""
    return set(re.findall(r"^import time: *\d+ \| *\d+ \| *([A-Za-z_]\w*)", output, re.MULTILINE))


def test_a_server_that_has_scanned_files_has_imported_nothing_that_parses_them(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance(settings={"providers": [upstream.provider("fake")]}, env={"PYTHONPROFILEIMPORTTIME": "1"})
    for name, data in ((b"a.png", PNG), (b"a.pdf", b"%PDF-1.7\n"), (b"a.docx", b"PK\x03\x04"), (b"a.txt", b"text")):
        assert scan(door, name, data) < 500
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(PNG).decode()}}
    parts = [{"type": "text", "text": "What is this? My SSN is 123-45-6789."}, picture]
    assert door.chat({**chat("fake/gpt-4o", ""), "messages": [{"role": "user", "content": parts}]}).status < 500
    names = imported(door.output)
    assert {"litestar", "appliance"} <= names  # else nothing was measured
    assert not names & PARSERS


PROGRAM = """
    import asyncio, sys
    from pathlib import Path
    from appliance.clock import SystemClock
    from appliance.files.confined import FilesHow
    from appliance.files.pool import FilePool

    async def main():
        rooms = {"files": "tests.unit.files.stand_ins:FILES", "ocr": "tests.unit.files.stand_ins:OCR"}
        pool = FilePool(FilesHow(rooms=rooms, environment={"GATEHOUSE_TEST": "1"}), clock=SystemClock())
        document = await pool.read(Path(sys.argv[1]))
        assert len(document.pieces) == 2, document
        await pool.close()

    asyncio.run(main())
    print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_pool_reads_a_file_with_its_pictures_and_imports_no_parser(tmp_path: object) -> None:
    path = f"{tmp_path}/file"
    with open(path, "w", encoding="ascii") as file:
        file.write('{"texts": ["one"], "pictures": 1}')
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), path], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    names = set(done.stdout.split())
    assert "msgspec" in names
    assert not names & (PARSERS | {"numpy"})
