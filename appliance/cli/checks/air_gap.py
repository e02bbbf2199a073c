"""Whether anything leads out of this site: each upstream that is set, and each connection that the running server has."""

import asyncio
import ipaddress
from collections.abc import Iterator

import msgspec

from appliance.cli.checks.finding import Check, Finding, Patient, fail, ok, warn
from appliance.cli.checks.network import running
from appliance.settings import Settings
from appliance.upstream import site_names
from appliance.upstream.networks import Places
from appliance.upstream.origin import NotReachable, literal, taken_apart
from appliance.upstream.proxy import variable
from appliance.upstream.reach import Reach

PROXY_VARIABLES = ("https_proxy", "http_proxy")


def setting(patient: Patient) -> Iterator[Finding]:
    networks = ", ".join(patient.settings.air_gap_networks) or "none but this machine"
    if patient.settings.air_gap:
        yield ok("air gap", f"on; open: {networks}")
    else:
        yield warn("air gap", f"off; with it on, these would be open: {networks}", "Set air_gap = true (GATEHOUSE_AIR_GAP=1).")


def upstreams(patient: Patient) -> Iterator[Finding]:
    """Every provider, held against the rules of an air gap, whether it is on or off. Asks no name server beyond the site."""
    rules = Reach.for_provider(msgspec.structs.replace(patient.settings, air_gap=True))
    for provider in patient.settings.providers:
        yield _upstream(f"provider {provider.name}", provider.base_url, rules)
    for table in patient.settings.vllm:
        yield ok(f"vLLM {table.name}", "this machine")
    if not patient.settings.providers and not patient.settings.vllm:
        yield ok("providers", "none in the settings")


def _upstream(name: str, url: str, rules: Reach) -> Finding:
    try:
        origin, _ = taken_apart(url)
        addresses = asyncio.run(rules.addresses(origin))
    except NotReachable as error:
        return fail(name, error.message, error.fix or "Check its base_url.")
    except OSError:
        return warn(name, f"{origin.host} is unknown here", "Check its base_url, or add a line to the hosts file.")
    shown = origin.host if origin.host in addresses else f"{origin.host} ({', '.join(addresses)})"
    return ok(name, f"{shown} is inside")


def proxy(patient: Patient) -> Iterator[Finding]:
    """A proxy leads anywhere, so behind an air gap none is used; one that is set may surprise."""
    if patient.settings.upstream_proxy == "none" or patient.settings.air_gap:
        return
    if patient.settings.upstream_proxy:
        yield fail("proxy", "upstream_proxy is set, and nobody knows where a proxy leads", "Take upstream_proxy out.")
    elif any(variable(patient.environ, name) for name in PROXY_VARIABLES):
        yield warn("proxy", "the environment names a proxy, which is used while air_gap is off", 'Set upstream_proxy = "none".')


def name_servers(patient: Patient) -> Iterator[Finding]:
    """Where questions about names would go."""
    inside = _inside(patient.settings)
    found = site_names.resolvers()
    outside = [one for one in found if (address := literal(one)) is None or not inside.has_address(address)]
    if outside:
        what = f"{', '.join(outside)} is outside, so names are looked up in the hosts file only"
        yield warn("name servers", what, "Write addresses in place of names, or list the name server in air_gap_networks.")
    elif found:
        yield ok("name servers", f"{', '.join(found)}, inside; asked for names of the site only")


def connections(patient: Patient) -> Iterator[Finding]:
    """What the running server is connected to at this moment, leaving out those who connected to it."""
    control = running(patient)
    if control is None:
        return
    import psutil

    inside = _inside(patient.settings)
    try:
        process = psutil.Process(control.pid)
        found = [one for each in (process, *process.children(recursive=True)) for one in each.net_connections(kind="inet")]
    except psutil.Error as error:
        yield warn("connections", f"can't be looked at ({type(error).__name__})", "Run this as the user who runs the server.")
        return
    own = {one.laddr.port for one in found if one.status == psutil.CONN_LISTEN}
    begun = [one for one in found if one.status not in (psutil.CONN_LISTEN, psutil.CONN_NONE) and one.laddr.port not in own]
    remote = {(one.raddr.ip, one.raddr.port) for one in begun}
    outside = sorted(f"{ip}:{port}" for ip, port in remote if not inside.has_address(ipaddress.ip_address(ip)))
    if outside:
        yield fail("connections", f"the server is connected to {', '.join(outside)}", "Set air_gap = true and restart it.")
    else:
        yield ok("connections", f"the running server has {len(remote)} to others, all inside")


def _inside(settings: Settings) -> Places:
    return Places([*settings.air_gap_networks, "127.0.0.0/8", "::1/128"])


CHECKS: list[Check] = [setting, upstreams, proxy, name_servers, connections]
