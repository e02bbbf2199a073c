"""What a site sees of the bundle: its size, how long it takes to install, and from the first start to the first answer.

    python -m tests.bench.bundle

Built and installed as in the tests, in a network namespace where nothing outside can be reached. "First answer" runs from
starting `gatehouse serve` to the whole answer of the first chat: database, keys and model included.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.fakes.models import fetched_model
from tests.packaging.bundles import Served, Site, build, unpack
from tests.running import NetworkNamespace, eventually


def main() -> int:
    if refusal := NetworkNamespace.refusal():
        print(f"no network namespace can be made here: {refusal}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as temporary:
        namespace = NetworkNamespace()
        try:
            measure(Path(temporary), namespace)
        finally:
            namespace.close()
    return 0


def measure(folder: Path, namespace: NetworkNamespace) -> None:
    print("Building the bundle …", flush=True)
    made = build(folder / "built", fetched_model().parent)
    bundle_mb = made.stat().st_size / 1e6
    (folder / "unpacked").mkdir()
    site = Site(folder / "site", unpack(made, folder / "unpacked"), namespace)
    print("Installing it …", flush=True)
    began = time.monotonic()
    done = site.install("--no-service")
    install_seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    answer_seconds = seconds_to_first_answer(site)
    print(f"figure bundle_mb {bundle_mb:.0f} MB")
    print(f"figure bundle_install_seconds {install_seconds:.1f} s")
    print(f"figure bundle_first_answer_seconds {answer_seconds:.1f} s")


def seconds_to_first_answer(site: Site) -> float:
    began = time.monotonic()
    served = Served(site, site.prefix / "bin/gatehouse")
    try:
        key = str(eventually(served.first_run_key, 60))
        answer = served.chat(key)
        taken = time.monotonic() - began
        assert answer.content, answer
        return taken
    finally:
        served.stop()


if __name__ == "__main__":
    sys.exit(main())
