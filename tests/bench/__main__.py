"""What Gatehouse costs, beside a bare relay and its peers: `make bench`, or `python -m tests.bench`.

Every server is in front of the same nginx and takes its turn, round after round, on a core of its own; CPU time is read
from /proc, latency comes from wrk. A ratio is the median of the rounds' own ratios, so that a machine that grows busy
touches both sides. After each round of the gateway every answered request must stand in the ledger.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from appliance import __version__
from tests.bench.load import Sample, Target, ask, run
from tests.bench.processes import BenchError, Cores, Process, cores
from tests.bench.servers import Gateway, LiteLLM, Portkey, Relay
from tests.bench.upstream import CHUNKS, WORDS, Upstream

PARTS = ("start", "whole", "stream", "burst", "peers")
CONNECTIONS = {"whole": 32, "stream": 48, "burst": 32}
STARTS = 5
RESULTS = Path(__file__).with_name("results.jsonl")


class Contender:
    """One server at one task, with its rounds."""

    def __init__(self, name: str, task: str, process: Process, target: Target, settled: Callable[[], int] | None = None) -> None:
        self.name = name
        self.task = task
        self.process = process
        self.target = target
        self.settled = settled
        self.samples: list[Sample] = []

    def check(self) -> None:
        """What is about to be measured answers rightly. Errors: BenchError."""
        answer = ask(self.target)
        whole = self.task == "whole"
        right = " ".join(WORDS[:3]).encode() in answer if whole else answer.count(b'"content":" ') == CHUNKS - 2
        if not right or (not whole and b"data: [DONE]\n\n" not in answer):
            raise BenchError(f"{self.name} does not answer the {self.task} request rightly: {answer[:500]!r}")

    def median(self, read: Callable[[Sample], float]) -> float:
        return statistics.median(map(read, self.samples))


class Bench:
    def __init__(self, arguments: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
        self.arguments = arguments
        self.parts = arguments.only or [part for part in PARTS if part != "peers" or os.environ.get("PEERS") == "1"]
        self.folder = folder
        self.stack = stack
        self.cores: Cores = cores()
        self.contenders: list[Contender] = []
        self.figures: dict[str, tuple[float, str]] = {}
        self.peers: dict[str, str] = {}
        self.problems: list[str] = []

    def run(self) -> None:
        upstream = Upstream(self.folder / "nginx", self.cores.load)
        self.stack.callback(upstream.stop)
        gateway = Gateway(self.folder / "gateway", upstream, self.cores.server)
        self.stack.callback(gateway.stop)
        if "start" in self.parts:
            self.measure_starts(gateway)
        gateway.start()
        assert gateway.process is not None
        if "start" in self.parts:
            self.measure_idle(gateway.process)
        gateway.make_key()
        for task in ("whole", "stream", "burst"):
            if task in self.parts or (task == "whole" and "peers" in self.parts):
                relay = Relay(self.folder, task, getattr(upstream, task), self.cores.server)
                self.stack.callback(relay.process.stop)
                self.contenders.append(Contender("relay", task, relay.process, relay.target))
                self.contenders.append(Contender("gateway", task, gateway.process, gateway.target(task), gateway.settled))
        if "peers" in self.parts:
            self.start_peers(upstream)
        self.rounds()
        self.conclude()

    def start_peers(self, upstream: Upstream) -> None:
        installed = Path(os.environ.get("PEERS_FOLDER", ".venv-peers")).absolute()
        for name, kind in (("litellm", LiteLLM), ("portkey", Portkey)):
            say(f"Starting {name} …")
            peer = kind(self.folder / name, installed, upstream, self.cores.server)
            self.stack.callback(peer.process.stop)
            self.peers[name] = peer.version
            self.contenders.append(Contender(name, "whole", peer.process, peer.target))

    def measure_starts(self, gateway: Gateway) -> None:
        gateway.start()  # makes the database, and Python's bytecode where it wasn't
        gateway.stop()
        seconds = []
        for _ in range(STARTS):
            seconds.append(gateway.start())
            gateway.stop()
        self.figures["start_seconds"] = (round(statistics.median(seconds), 2), "s")

    def measure_idle(self, process: Process) -> None:
        time.sleep(2)
        servers = [command for command in process.commands() if " worker" not in command]
        self.figures["idle_rss_mb"] = (round(process.resident_bytes() / 1e6, 1), "MB")
        self.figures["server_processes"] = (len(servers), "processes")

    def rounds(self) -> None:
        for contender in self.contenders:
            contender.check()
            self.one(contender, seconds=1)  # warm up
        for number in range(self.arguments.rounds):
            say(f"Round {number + 1} of {self.arguments.rounds} …")
            for contender in self.contenders:
                contender.samples.append(self.one(contender, seconds=self.arguments.seconds))

    def one(self, contender: Contender, *, seconds: float) -> Sample:
        connections = CONNECTIONS[contender.task]
        before = contender.settled() if contender.settled else 0
        sample = run(
            contender.target, contender.process, self.folder, connections=connections, seconds=seconds, cores=self.cores.load
        )
        if contender.settled:
            found = contender.settled() - before
            # wrk hangs up on what is under way at its end; some of these were settled, and their answers never counted.
            right = sample.requests <= found <= sample.requests + connections
            say(f"check ledger {contender.task}: {sample.requests} answered, {found} settled: {'ok' if right else 'WRONG'}")
            if not right:
                self.problems.append(f"the ledger holds {found} settled rows for {sample.requests} answers ({contender.task})")
        return sample

    def find(self, name: str, task: str = "whole") -> Contender | None:
        return next((one for one in self.contenders if (one.name, one.task) == (name, task)), None)

    def ratio(self, upper: Contender | None, lower: Contender | None) -> float | None:
        """Of CPU time a request; the median of the rounds' ratios."""
        if upper is None or lower is None:
            return None
        pairs = zip(upper.samples, lower.samples, strict=True)
        return round(statistics.median(one.cpu_us / other.cpu_us for one, other in pairs), 2)

    def conclude(self) -> None:
        gateway, relay = self.find("gateway"), self.find("relay")
        if gateway is not None and relay is not None:
            self.figures["gateway_cpu_us"] = (round(gateway.median(lambda sample: sample.cpu_us)), "us")
            self.figures["relay_cpu_us"] = (round(relay.median(lambda sample: sample.cpu_us)), "us")
            self.figures["gateway_p50_ms"] = (round(gateway.median(lambda sample: sample.p50_ms), 2), "ms")
            self.figures["gateway_p99_ms"] = (round(gateway.median(lambda sample: sample.p99_ms), 2), "ms")
        for name, ratio in (
            ("gateway_over_relay", self.ratio(gateway, relay)),
            ("litellm_over_gateway", self.ratio(self.find("litellm"), gateway)),
            ("portkey_over_gateway", self.ratio(self.find("portkey"), gateway)),
            ("stream_gateway_over_relay", self.ratio(self.find("gateway", "stream"), self.find("relay", "stream"))),
        ):
            if ratio is not None:
                self.figures[name] = (ratio, "x")

    def report(self) -> None:
        if self.contenders:
            print(f"\n{'server':10} {'task':7} {'CPU µs':>9} {'over relay':>11} {'answers/s':>10} {'p50 ms':>9} {'p99 ms':>9}")
        for one in self.contenders:
            ratio = self.ratio(one, self.find("relay", one.task))
            per_second = one.median(lambda sample: sample.requests / sample.seconds)
            print(
                f"{one.name:10} {one.task:7} {one.median(lambda sample: sample.cpu_us):9.0f} {ratio:11.2f} {per_second:10.0f} "
                f"{one.median(lambda sample: sample.p50_ms):9.2f} {one.median(lambda sample: sample.p99_ms):9.2f}"
            )
        print()
        for name, (value, unit) in self.figures.items():
            print(f"figure {name} {value} {unit}")

    def append_result(self) -> None:
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": __version__,
            "commit": _commit(),
            "machine": {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()},
            "peers": self.peers,
            "rounds": self.arguments.rounds,
            "seconds": self.arguments.seconds,
            "figures": {name: value for name, (value, _) in self.figures.items()},
        }
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def say(text: str) -> None:
    print(text, flush=True)


def _commit() -> str:
    if not (git := shutil.which("git")):
        return ""
    done = subprocess.run([git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measures what Gatehouse costs beside a bare relay.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each server (5)")
    parser.add_argument("--seconds", type=float, default=4, help="seconds of load in each round (4)")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; may be given more than once")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the servers' logs")
    arguments = parser.parse_args()
    if not sys.platform.startswith("linux"):
        print("This benchmark reads /proc: it runs on Linux.", file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
    try:
        with ExitStack() as stack:
            bench = Bench(arguments, folder, stack)
            bench.run()
        bench.report()
        if not bench.problems and not arguments.only:
            bench.append_result()
    except BenchError as error:
        print(f"The benchmark can't go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if arguments.keep:
            say(f"Kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for problem in bench.problems:
        say(f"problem: {problem}")
    return 1 if bench.problems else 0


if __name__ == "__main__":
    sys.exit(main())
