"""`gatehouse serve`: the server, in the foreground, until Ctrl-C or SIGTERM."""

import asyncio
import gc
import os
import secrets
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Any

import click

from appliance import __version__, settings_sources
from appliance.cli.welcome import welcome
from appliance.clock import SystemClock
from appliance.home import CannotStart, Control, Home, HomeLock, home_folder
from appliance.settings import Settings
from appliance.telemetry import logs

LISTENING_SECONDS_MAX = 10.0


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on, instead of the setting.")
@click.option("--service", is_flag=True, help="Run as a service: logs go to a file in the home folder.")
def serve(port: int | None, service: bool) -> None:
    """Start the appliance and keep it running until Ctrl-C."""
    environ = dict(os.environ)
    if port is not None:
        environ["GATEHOUSE_PORT"] = str(port)
    home = Home(home_folder(environ)).make()
    lock = HomeLock.take(home)
    try:
        settings = settings_sources.load(home, environ).settings
        logs.configure(settings, home, service=service)
        _run(_serve(settings, home, environ))
    finally:
        lock.release()


def _run(main: Coroutine[Any, Any, None]) -> None:
    """On uvloop where the platform has it (a fifth faster here), else on asyncio's own loop."""
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop

        uvloop.run(main)


async def _serve(settings: Settings, home: Home, environ: dict[str, str]) -> None:
    from appliance.app import Appliance  # the server's libraries: not needed before the settings are known to be right

    port = _hold_port(settings)
    control = Control(os.getpid(), f"http://{_own_address(settings)}:{settings.port}", secrets.token_urlsafe(32))
    appliance = await Appliance.open(settings, home, SystemClock(), environ, control.token)
    server = _server(appliance.asgi, settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        _on_signal(loop, signal_number, stopping)
    serving = asyncio.ensure_future(server.serve())
    log = logs.get_logger("cli")
    try:
        home.write_control(control)
        await _until_listening(settings, serving)
        await appliance.start()
        _settle_memory()
        log.info("started", version=__version__, url=control.url, interrupted_requests=appliance.ledger.interrupted_at_start)
        await welcome(appliance, settings)
        waiting = asyncio.ensure_future(stopping.wait())
        await asyncio.wait([waiting, serving], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if stopping.is_set():
            running = appliance.door.in_flight
            if running:
                limit = f"{settings.shutdown_seconds_max:g} s"
                click.echo(f"\nStopping: {running} running requests have {limit} to end; Ctrl-C again ends them now.", err=True)
            else:
                click.echo("\nStopping.", err=True)
            stopping.clear()
            draining = asyncio.ensure_future(appliance.door.drain(settings.shutdown_seconds_max))
            again = asyncio.ensure_future(stopping.wait())  # a second Ctrl-C waits for nobody
            await asyncio.wait([draining, again], return_when=asyncio.FIRST_COMPLETED)
            again.cancel()
            if not draining.done():
                await appliance.door.cut_all()
                draining.cancel()
    finally:
        home.remove_control()
        server.stop()
        await asyncio.wait([serving], timeout=5)
        await appliance.close()
        port.close()
        log.info("stopped")
        logs.close()


def _server(asgi: Any, settings: Settings) -> Any:
    from granian.constants import HTTPModes
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    return Server(
        asgi,
        address=settings.host,
        port=settings.port,
        interface="asginl",  # type: ignore[arg-type]  # the enum's value; the rooms are opened by Appliance, not by a lifespan
        # Not "auto": to find out which version is spoken, Granian waits for ever for a first byte, and enough silent sockets
        # would lock everybody out. With HTTP/1 alone the read timeout holds from the start.
        http=HTTPModes.http1,
        backlog=settings.connections_max,
        backpressure=settings.connections_max,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(settings.idle_seconds_max * 1000), max_buffer_size=settings.header_bytes_max
        ),
        websockets=False,
        log_enabled=False,
    )


def _settle_memory() -> None:
    """What was built at start lives until the end: the collector need not look at it again and again.

    Measured: a collection over the libraries' 300,000 objects took 45 µs off every request. The thresholds suit a
    server whose requests free nearly all by reference counting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _on_signal(loop: asyncio.AbstractEventLoop, number: signal.Signals, stopping: asyncio.Event) -> None:
    try:
        loop.add_signal_handler(number, stopping.set)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))


def _hold_port(settings: Settings) -> socket.socket:
    """Make sure that the port is ours alone, and keep it so: the socket is bound, never listens, and must stay open.

    Granian shares ports (SO_REUSEPORT), so a second server would silently take half of the requests.
    Errors:  CannotStart when somebody has it.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    address = (settings.host, settings.port)
    try:
        with socket.socket(family, socket.SOCK_STREAM) as alone:
            if sys.platform != "win32":
                alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(address)
        held = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind(address)
    except OSError as error:
        raise CannotStart(
            f"port {settings.port} on {settings.host} can't be used: {error.strerror}",
            "`gatehouse doctor` says who holds it; GATEHOUSE_PORT chooses another.",
        ) from None
    return held


def _own_address(settings: Settings) -> str:
    """Where this machine reaches its own server, as a URL has it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"[{host}]" if ":" in host else host


async def _until_listening(settings: Settings, serving: "asyncio.Future[Any]") -> None:
    host = _own_address(settings).strip("[]")
    until = asyncio.get_running_loop().time() + LISTENING_SECONDS_MAX
    while asyncio.get_running_loop().time() < until and not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, settings.port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return
    raise CannotStart(f"the server did not begin to listen on {settings.host}:{settings.port}", "Look at the log.")
