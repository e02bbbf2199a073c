"""`gatehouse worker ROOM`: a child process of the appliance. Hidden: people don't start it.

It must start fast and small, so nothing of the server is imported here; a room is imported once its limits hold.
"""

import importlib
import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from appliance.workers.child import Room

ROOMS = {
    "local-model": "appliance.local.room:ROOM",
    "chat-template": "appliance.local.engines.batching.template_room:ROOM",
    "files": "appliance.files.reading.room:ROOM",
    "ocr": "appliance.files.ocr.room:ROOM",
}


def place_of(room: str) -> str:
    """The `module:name` of a room.

    Errors:  click.BadParameter. Tests bring rooms of their own as `module:name`; nobody else may.
    """
    if room in ROOMS:
        return ROOMS[room]
    if ":" in room and os.environ.get("GATEHOUSE_TEST") == "1":
        return room
    raise click.BadParameter(f"there is no room {room!r}; there are: {', '.join(sorted(ROOMS))}")


@click.command(hidden=True)
@click.argument("room")
def worker(room: str) -> None:
    """Serve a room to the appliance that started this process."""
    from appliance.workers.child import serve

    module, _, name = place_of(room).partition(":")

    def load_room() -> "Room":
        found: Room = getattr(importlib.import_module(module), name)
        return found

    serve(load_room)
