"""`gatehouse serve`: the server, in the foreground, until Ctrl-C or SIGTERM."""

import asyncio
import gc
import os
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Any

import click

from appliance import __version__, settings_sources
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

    _refuse_taken_port(settings)
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
        await _welcome(appliance, settings)
        waiting = asyncio.ensure_future(stopping.wait())
        await asyncio.wait([waiting, serving], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if stopping.is_set():
            click.echo("\nStopping: running requests may end.", err=True)
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


def _refuse_taken_port(settings: Settings) -> None:
    """Granian shares ports (SO_REUSEPORT), so a second server would silently take half of the requests."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise CannotStart(
                f"port {settings.port} on {settings.host} can't be used: {error.strerror}",
                "`gatehouse doctor` says who holds it; GATEHOUSE_PORT chooses another.",
            ) from None


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


async def _welcome(appliance: Any, settings: Settings) -> None:
    """What a person at the terminal needs next. The development key is shown here and never again."""
    address = f"http://localhost:{settings.port}"
    say = click.echo
    say(f"\nGatehouse {__version__} is ready at {address}   (documents: {address}/docs)\n")
    if not await appliance.users.owner_exists():
        person = '{"name": "Your Name", "email": "you@example.com", "password": "choose-a-password"}'
        say("Register the owner:\n")
        say(f'curl -X POST {address}/api/v1/admin/auth/register -H "Content-Type: application/json" -d {shlex.quote(person)}\n')
        say(f"From another machine than this one, registering needs the setup code {appliance.setup_code.value}\n")
    key = await appliance.api_keys.first_run_key() if settings.first_run_key else None
    shown = key or "YOUR_API_KEY"
    chat = f'{{"model": "{_model_to_try(appliance, settings)}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'
    if key is not None:
        say("Ask the model something, with a development key (shown once; this machine only; 7 days):\n")
    else:
        say("Ask the model something, with a key of yours:\n")
    say(f'curl {address}/v1/chat/completions -H "Authorization: Bearer {shown}" -d {shlex.quote(chat)}\n')
    say("Ctrl-C stops the appliance.")
    sys.stdout.flush()


def _model_to_try(appliance: Any, settings: Settings) -> str:
    names = [model.id for model in appliance.offers.names().offered()]
    return settings.demonstration_alias if settings.demonstration_alias in names else names[0] if names else settings.local_model
