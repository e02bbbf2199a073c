"""The port, and whether the server answers on it."""

import http.client
import socket
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from appliance.cli.checks.finding import Check, Finding, Patient, fail, ok, warn
from appliance.cli.control import RunningServer
from appliance.errors import GatehouseError
from appliance.home import CannotStart, Control, HomeLock
from appliance.lan.addresses import is_loopback, reachable_at

ANSWER_SECONDS_MAX = 3.0


def server(patient: Patient) -> Iterator[Finding]:
    control = running(patient)
    if control is None:
        yield ok("server", "not running")
        return
    health = _ask(control.url, "/health")
    if health is None:
        yield fail(
            "server",
            f"process {control.pid} holds this home, but {control.url} does not answer",
            f"Look at the log in {patient.home.logs}; stop the process and start it again.",
        )
        return
    status = _ask(control.url, "/ready")
    if status != 200:
        yield warn(
            "server", f"process {control.pid} at {control.url} runs, but is not ready", f"{control.url}/ready says which part."
        )
    else:
        yield ok("server", f"process {control.pid} runs at {control.url} and is ready")


def running(patient: Patient) -> Control | None:
    """The server that holds this home, or None."""
    if not patient.home.lock_file.exists():
        return None
    lock = HomeLock.acquire(patient.home)
    if lock is not None:
        lock.release()
        return None
    return patient.home.read_control() or Control(0, f"http://{patient.settings.host}:{patient.settings.port}", "")


def _ask(url: str, path: str) -> int | None:
    """The status of a GET, straight to the address whatever proxies are set; None without an answer."""
    parts = urlsplit(url)
    host = reachable_at(parts.hostname or "")
    connection = http.client.HTTPConnection(host, parts.port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def port(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    name = f"port {settings.port}"
    control = running(patient)
    if control is not None and urlsplit(control.url).port == settings.port:
        yield ok(name, "used by this appliance")
        return
    refusal = _refusal(settings.host, settings.port)
    if refusal is None:
        yield ok(name, f"free on {settings.host}")
    else:
        yield fail(
            name,
            f"can't be used on {settings.host}: {refusal}{_holder(settings.port)}",
            "Stop that program, or set port (GATEHOUSE_PORT) to another.",
        )


def _refusal(host: str, number: int) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
    except OSError:
        return "the address is unknown here"
    with socket.socket(family, kind, protocol) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return error.strerror or "refused"
    return None


def _holder(number: int) -> str:
    """Who listens there, as far as this user may know."""
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return f" (`sudo lsof -i :{number}` says who holds it)"
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == number:
            if connection.pid is None:
                return " (held by a program of another user)"
            try:
                return f" (held by {psutil.Process(connection.pid).name()}, process {connection.pid})"
            except psutil.Error:
                return f" (held by process {connection.pid})"
    return ""


def reach(patient: Patient) -> Iterator[Finding]:
    """Who can reach the door: said, because a gateway without TLS on a LAN shows its keys to whoever listens."""
    host = patient.settings.host
    if is_loopback(host):
        yield ok("reach", "the local network, over HTTPS" if patient.settings.lan else "this machine only")
    else:
        yield warn(
            "reach",
            f"{host} is open to the network without TLS, so keys travel in the clear",
            "Take host out of the settings; `gatehouse lan on` opens an encrypted door.",
        )


def lan(patient: Patient) -> Iterator[Finding]:
    """What stands between colleagues and the appliance, as far as can be seen from here."""
    settings = patient.settings
    if not settings.lan:
        return
    from appliance.lan import certificates

    try:
        until = certificates.expires_at_ms(patient.home.lan_certificate.read_bytes())
    except (OSError, ValueError):
        yield warn("lan", "it is on, and there is no certificate yet", "Start the appliance; it makes one.")
    else:
        left = (until - time.time_ns() // 1_000_000) // 86_400_000
        if left < 0:
            yield fail("lan", "its certificate has expired", "Start the appliance, and look at the machine's clock.")
        else:
            yield ok("lan", f"HTTPS on port {settings.lan_port}; the certificate holds for {left} days and is renewed by itself")
    yield from _lan_problems(patient)


def _lan_problems(patient: Patient) -> Iterator[Finding]:
    """The running server has looked at itself from outside; without one, its ports must be free."""
    settings, control = patient.settings, running(patient)
    if control is not None and control.token:
        try:
            view = RunningServer(control).lan()
        except (CannotStart, GatehouseError) as error:
            yield warn("lan", f"the server can't say how it stands: {error.message}", error.fix)
            return
        yield from (warn("lan", told.message, told.fix) for told in view.problems)
        return
    from appliance.lan import firewall

    refusal = _refusal("0.0.0.0", settings.lan_port)
    if refusal is not None:
        mend = "Stop that program, or set lan_port to another."
        yield fail(f"port {settings.lan_port}", f"can't be used: {refusal}{_holder(settings.lan_port)}", mend)
    for problem in firewall.problems([settings.lan_port, settings.port]):
        yield warn("firewall", problem.message, problem.fix)


CHECKS: list[Check] = [server, port, reach, lan]
