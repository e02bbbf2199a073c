"""The first hour of a site: how many commands, and how long, from a bundle to a colleague's own call over verified HTTPS.

    python -m tests.bench.first_hour

Two machines on one cable (network namespaces), neither with a way out. Every command that somebody types is run as typed and
counted; the colleague's browser (open the link, choose a password, save the certificate) is done by curl, which checks the
certificate in each request, and isn't counted. The call is governed: the ledger names the colleague for it.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.fakes.models import fetched_model
from tests.packaging.bundles import Served, Site, build, unpack
from tests.running import Colleague, NetworkNamespace, environment, eventually

HOST = Colleague.HOST_ADDRESS
EMAIL = "ada@example.com"
PASSWORD = "Password123!"


class Hour:
    """What was typed so far, and since when."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.typed: list[str] = []

    def type(self, who: str, command: str) -> None:
        self.typed.append(command)
        print(f"  {time.monotonic() - self.began:5.1f} s  {who}: {command}", flush=True)


def main() -> int:
    if refusal := NetworkNamespace.refusal():
        print(f"no network namespace can be made here: {refusal}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as temporary:
        host = NetworkNamespace()
        colleague = Colleague(host)
        try:
            measure(Path(temporary), host, colleague)
        finally:
            colleague.close()
            host.close()
    return 0


def measure(folder: Path, host: NetworkNamespace, colleague: Colleague) -> None:
    print("Building the bundle …", flush=True)
    made = build(folder / "built", fetched_model().parent)
    (folder / "unpacked").mkdir()
    site = Site(folder / "site", unpack(made, folder / "unpacked"), host)
    hour = Hour()
    hour.type("admin", "sh install.sh")
    done = site.install("--no-service")
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    hour.type("admin", "gatehouse serve")
    served = Served(site, site.prefix / "bin/gatehouse")
    try:
        eventually(served.is_ready, 60)
        link = invited(site, hour)
        print(
            f"  {time.monotonic() - hour.began:5.1f} s  colleague: opens the link, chooses a password, copies the key", flush=True
        )
        authority = folder / "gatehouse-ca.pem"
        key = joined(colleague, link, authority)
        answer = asked(colleague, hour, key, authority)
        taken = time.monotonic() - hour.began
        assert answer["choices"][0]["message"]["content"], answer
        check_governed(site, served)
    finally:
        served.stop()
    print(f"figure first_hour_commands {len(hour.typed)} commands")
    print(f"figure first_hour_seconds {taken:.1f} s")


def invited(site: Site, hour: Hour) -> str:
    hour.type("admin", f"gatehouse users invite {EMAIL} --lan")
    done = site.sh(str(site.prefix / "bin/gatehouse"), "users", "invite", EMAIL, "--lan")
    assert done.returncode == 0, done.stderr
    link = done.stdout.strip()
    assert link.startswith("https://"), (link, done.stderr)
    # The link names the machine's first address; the colleague's cable leads to another of its own.
    return re.sub(r"^https://[^/:]+", f"https://{HOST}", link)


def joined(colleague: Colleague, link: str, authority: Path) -> str:
    """What the browser does. Errors: SystemExit, where the certificate does not hold or there is no key on the page."""
    jar = authority.with_name("cookies")
    trusted = ["-sS", "--cacert", str(authority), "-b", str(jar), "-c", str(jar)]
    _curl(colleague, "-fsS", "-o", str(authority), f"http://{HOST}:8000/join/ca.pem")
    form = _curl(colleague, *trusted, link)
    token = re.search(r'name="form_token" value="([^"]+)"', form)
    assert token is not None, form
    fields = {"form_token": token[1], "name": "Ada", "email": EMAIL, "password": PASSWORD, "again": PASSWORD}
    sent = [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")]
    page = _curl(colleague, *trusted, "-H", f"Origin: https://{HOST}:8443", *sent, link)
    key = re.search(r"gh-[a-z]+-[0-9A-Za-z]{38}", page)
    assert key is not None, page
    return key[0]


def asked(colleague: Colleague, hour: Hour, key: str, authority: Path) -> Any:
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 16})
    hour.type(
        "colleague", "curl --cacert gatehouse-ca.pem https://…/v1/chat/completions -H 'Authorization: Bearer gh-…' -d '{…}'"
    )
    words = ["-sS", "--cacert", str(authority), "-H", f"Authorization: Bearer {key}", "-d", body]
    return json.loads(_curl(colleague, *words, f"https://{HOST}:8443/v1/chat/completions"))


def check_governed(site: Site, served: Served) -> None:
    """The ledger has the request, as the colleague's."""
    users = site.sh(str(site.prefix / "bin/gatehouse"), "users", "list", "--json")
    assert EMAIL in users.stdout, users.stderr
    told = site.sh(str(site.prefix / "bin/gatehouse"), "tail", "-n", "1", "--no-follow")
    assert "200" in told.stdout or "settled" in told.stdout, (told.stdout, told.stderr)


def _curl(colleague: Colleague, *words: str) -> str:
    done: subprocess.CompletedProcess[str] = colleague.run("curl", "-m", "60", *words, env=environment({}))
    if done.returncode:
        raise SystemExit(f"curl {' '.join(words)}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
