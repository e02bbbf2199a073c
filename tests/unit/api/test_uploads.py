"""Forms with files by themselves; what callers see of them is tested with the server."""

import asyncio
import gc
import weakref
from pathlib import Path

import pytest

from appliance.api.uploads import UploadBounds, _Form
from appliance.errors import TooLarge

BOUNDS = UploadBounds(files_max=2, file_bytes_max=100, bytes_max=1_000, seconds_max=10)


def part(data: bytes, name: bytes = b'file"; filename="a.txt') -> bytes:
    return b'--edge\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + data + b"\r\n"


async def test_a_form_that_was_read_leaves_nothing_to_the_garbage_collector(tmp_path: Path) -> None:
    form = _Form("edge", BOUNDS, tmp_path)
    gc.disable()
    try:
        form.feed(part(b"some words") + part(b"secret", b"password") + b"--edge--\r\n")
        form.end()
        await form.write(0)
        form.leave()
        found, gone = form.found, weakref.ref(form)
        del form
        async with asyncio.timeout(10):
            while gone() is not None:  # noqa: ASYNC110 - a thread lets go of its work a moment after it said that it is done
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
    assert [one.path.read_bytes() for one in found.files] == [b"some words"]
    assert found.password == "secret"


async def test_nor_does_one_that_was_refused_before_its_pieces_were_written(tmp_path: Path) -> None:
    form = _Form("edge", BOUNDS, tmp_path)
    gc.disable()
    try:
        with pytest.raises(TooLarge):
            form.feed(part(b"w" * 101))
        form.leave()
        gone = weakref.ref(form)
        del form
        assert gone() is None
    finally:
        gc.enable()
