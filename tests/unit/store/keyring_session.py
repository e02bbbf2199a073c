"""Opens a vault inside a desktop session and tells what happened, a JSON line each. Run under `dbus-run-session` by the tests."""

import asyncio
import json
import os
import sys
from pathlib import Path

from appliance.clock import SystemClock
from appliance.home import Home
from appliance.store.engine import Database
from appliance.store.migrate import migrate
from appliance.store.refusals import StoreRefused
from appliance.store.vault import Vault


async def opened(home: Home, source: str) -> dict[str, str]:
    db = Database(home.database)
    await db.open()
    try:
        await migrate(db)
        vault = await Vault.open(db, home, source, os.environ, SystemClock())
        return {"source": vault.master_source, "derived": vault.derive("test").hex()}
    except StoreRefused as error:
        return {"refused": error.message, "fix": error.fix, "kind": type(error).__name__}
    finally:
        await db.close()


if __name__ == "__main__":
    folder, *sources = sys.argv[1:]
    for source in sources:
        print(json.dumps(asyncio.run(opened(Home(Path(folder)).make(), source))), flush=True)
