"""What Gatehouse costs, beside a bare relay and its peers: `make bench`, or `python -m tests.bench`.

Parts, each of which can be measured alone (`--only`):
  start        seconds until it is ready, memory when idle
  whole, stream, burst   CPU time a request over the bare relay's: a whole answer, a streamed one, a stream in one burst
  guarded      the same with the policy `default`, which looks for everything in both directions
  translation  CPU time of answers that are translated over one that passes through untouched, by vendor, whole and streamed
  streams      1,000 streams at once: memory, and how many break
  guard        CPU time of looking through texts, by kind and length, and of a stream's pieces
  failover     2,000 requests while three providers fail, each in its own way: how many callers notice
  peers        LiteLLM and Portkey at the whole answer; only with PEERS=1

Every server is in front of the same nginx (for translation: of answers made beforehand, one for each vendor) and takes its
turn, round after round, on a core of its own; CPU time is read from /proc. A ratio is the median of the rounds' own ratios, so
that a machine that grows busy touches both sides. After each round of the gateway every answered request must stand in the
ledger.
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
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from appliance import __version__
from appliance.guardrails.house import make_guard
from appliance.identity.key_format import well_formed
from tests.bench import failing, guard
from tests.bench.contenders import Contender, Rounds, ratio
from tests.bench.load import Sample, run
from tests.bench.many_streams import ManyStreams
from tests.bench.pacing import Paced
from tests.bench.processes import BenchError, Cores, Process, cores
from tests.bench.servers import Gateway, LiteLLM, Portkey, Relay, providers
from tests.bench.translation import PASSING_NAME, Translation
from tests.bench.upstream import CHUNKS, WORDS, Upstream

PARTS = ("start", "whole", "stream", "burst", "guarded", "peers", "translation", "streams", "guard", "failover")
CONNECTIONS = {"whole": 32, "stream": 48, "burst": 32}
STARTS = 5
RESULTS = Path(__file__).with_name("results.jsonl")


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
        self.translated: list[Contender] = []
        self.rounds = Rounds(say, self.problems)

    def run(self) -> None:
        upstream = Upstream(self.folder / "nginx", self.cores.load)
        self.stack.callback(upstream.stop)
        paced = Paced(self.folder / "paced", self.cores.load)
        self.stack.callback(paced.stop)
        translation, many = Translation(paced), ManyStreams(paced)
        paced.start()
        told = [*providers(upstream), *translation.providers, *many.providers]
        gateway = Gateway(self.folder / "gateway", told, self.cores.server)
        self.stack.callback(gateway.stop)
        if "start" in self.parts:
            self.measure_starts(gateway)
        gateway.start()
        assert gateway.process is not None
        if "start" in self.parts:
            self.measure_idle(gateway.process)
        gateway.make_key()
        guarded = None
        if "guarded" in self.parts:
            guarded = Gateway(self.folder / "guarded", providers(upstream), self.cores.server, "default")
            self.stack.callback(guarded.stop)
            guarded.start()
            guarded.make_key()
        self.measure_relays(gateway, gateway.process, upstream, guarded)
        if "translation" in self.parts:
            self.measure_translation(gateway, translation)
        if "streams" in self.parts:
            say("A thousand streams …")
            gateway.stop()  # what it has needed until now is not these streams'
            gateway.start()
            self.figures |= many.measure(gateway, self.cores.load, self.problems)
        if "guard" in self.parts:
            say("Texts are looked through …")
            self.figures |= guard.figures(make_guard(well_formed))
        if "failover" in self.parts:
            say("Providers fail …")
            self.figures |= failing.measure(self.folder, self.problems)

    def measure_relays(self, gateway: Gateway, process: Process, upstream: Upstream, guarded: Gateway | None) -> None:
        for task in ("whole", "stream", "burst"):
            if task in self.parts or (task == "whole" and {"peers", "guarded"} & set(self.parts)):
                relay = Relay(self.folder, task, getattr(upstream, task), self.cores.server)
                self.stack.callback(relay.process.stop)
                right = partial(_is_right, task)
                self.contenders.append(Contender("relay", task, relay.process, relay.target, right))
                wanted = gateway.target(task)
                one = Contender("gateway", task, process, wanted, right, gateway.settled, hung_up_max=CONNECTIONS[task])
                self.contenders.append(one)
                if guarded is not None and guarded.process is not None:
                    wanted, settled = guarded.target(task), guarded.settled
                    one = Contender("guarded", task, guarded.process, wanted, right, settled, hung_up_max=CONNECTIONS[task])
                    self.contenders.append(one)
        if "peers" in self.parts:
            self.start_peers(upstream)
        if self.contenders:
            self.rounds.run(self.contenders, self.wrk, rounds=self.arguments.rounds, seconds=self.arguments.seconds)
            self.conclude()

    def wrk(self, contender: Contender, seconds: int) -> Sample:
        return run(
            contender.target,
            contender.process,
            self.folder,
            connections=CONNECTIONS[contender.task],
            seconds=seconds,
            cores=self.cores.load,
        )

    def measure_translation(self, gateway: Gateway, translation: Translation) -> None:
        say("Translation …")
        rounds, seconds = self.arguments.rounds, self.arguments.seconds
        self.translated = translation.measure(gateway, self.rounds, self.cores.load, count=rounds, seconds=seconds)
        self.figures |= translation.figures()

    def start_peers(self, upstream: Upstream) -> None:
        installed = Path(os.environ.get("PEERS_FOLDER", ".venv-peers")).absolute()
        for name, kind in (("litellm", LiteLLM), ("portkey", Portkey)):
            say(f"Starting {name} …")
            peer = kind(self.folder / name, installed, upstream, self.cores.server)
            self.stack.callback(peer.process.stop)
            self.peers[name] = peer.version
            self.contenders.append(Contender(name, "whole", peer.process, peer.target, partial(_is_right, "whole")))

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

    def find(self, name: str, task: str = "whole") -> Contender | None:
        return next((one for one in self.contenders if (one.name, one.task) == (name, task)), None)

    def conclude(self) -> None:
        gateway, relay = self.find("gateway"), self.find("relay")
        if gateway is not None and relay is not None:
            self.figures["gateway_cpu_us"] = (round(gateway.median(lambda sample: sample.cpu_us)), "us")
            self.figures["relay_cpu_us"] = (round(relay.median(lambda sample: sample.cpu_us)), "us")
            self.figures["gateway_p50_ms"] = (round(gateway.median(lambda sample: sample.p50_ms), 2), "ms")
            self.figures["gateway_p99_ms"] = (round(gateway.median(lambda sample: sample.p99_ms), 2), "ms")
        for name, found in (
            ("gateway_over_relay", ratio(gateway, relay)),
            ("gateway_guarded_over_relay", ratio(self.find("guarded"), relay)),
            ("stream_gateway_guarded_over_relay", ratio(self.find("guarded", "stream"), self.find("relay", "stream"))),
            ("litellm_over_gateway", ratio(self.find("litellm"), gateway)),
            ("portkey_over_gateway", ratio(self.find("portkey"), gateway)),
            ("stream_gateway_over_relay", ratio(self.find("gateway", "stream"), self.find("relay", "stream"))),
        ):
            if found is not None:
                self.figures[name] = (found, "x")

    def report(self) -> None:
        _table("server", "over relay", self.contenders, "relay")
        _table("answer", "over passing", self.translated, PASSING_NAME)
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


def _is_right(task: str, answer: bytes) -> bool:
    if task == "whole":
        return " ".join(WORDS[:3]).encode() in answer
    return answer.count(b'"content":" ') == CHUNKS - 2 and b"data: [DONE]\n\n" in answer


def _table(what: str, over: str, contenders: list[Contender], base: str) -> None:
    if contenders:
        print(f"\n{what:10} {'task':7} {'CPU µs':>9} {over:>13} {'answers/s':>10} {'p50 ms':>9} {'p99 ms':>9}")
    for one in contenders:
        found = ratio(one, next(other for other in contenders if (other.name, other.task) == (base, one.task)))
        per_second = one.median(lambda sample: sample.requests / sample.seconds)
        print(
            f"{one.name:10} {one.task:7} {one.median(lambda sample: sample.cpu_us):9.0f} {found:13.2f} {per_second:10.0f} "
            f"{one.median(lambda sample: sample.p50_ms):9.2f} {one.median(lambda sample: sample.p99_ms):9.2f}"
        )


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
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, formatter_class=formatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contender (5)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of load in each round (3)")
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
