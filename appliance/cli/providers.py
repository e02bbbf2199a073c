"""`gatehouse providers`: list, add, remove and test them."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli.control import machine
from appliance.cli.main import in_columns, printable, say_failure, say_lines, terminal_width
from appliance.errors import InvalidField

if TYPE_CHECKING:
    from appliance.routing.route_shown import ProviderShown

KINDS = ("openai", "azure", "anthropic", "google", "bedrock", "vllm", "llamacpp", "openai-compatible")
PROMPTED = ("openai", "azure", "anthropic", "google", "bedrock")  # nobody gets an answer from these without a credential
CREDENTIAL_CHARACTERS_MAX = 4096
MODELS_TOLD = 20


@click.group()
def providers() -> None:
    """Providers: vendors and servers that requests are sent to."""


@providers.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_providers(as_json: bool) -> None:
    """List providers, those of gatehouse.toml and of the environment too."""
    with machine() as appliance:
        found = appliance.routing.providers()
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
    elif not found:
        click.echo("There are no providers yet. `gatehouse providers add NAME --kind KIND` adds one.")
    elif sys.stdout.isatty():
        heading = ("NAME", "KIND", "CREDENTIAL", "FROM", "ROUTES", "ADDRESS")
        for line in in_columns([heading, *map(_row, found)], terminal_width()):
            click.echo(line)
    else:
        say_lines([_row(provider) for provider in found])
    for provider in found:
        if provider.problem is not None and not as_json:
            click.echo(f"But: {printable(provider.name)}: {printable(provider.problem)}", err=True)


@providers.command(short_help="Add a provider.")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="Whose wire format it speaks.")
@click.option("--url", "base_url", default="", help="Where it is; left out where the vendor has one address.")
@click.option("--key-stdin", is_flag=True, help="Read the credential from standard input; otherwise it is asked for.")
@click.option(
    "--key-env", "api_key_env", default="", metavar="VARIABLE", help="The server's environment variable that has the credential."
)
@click.option("--api-version", default="", help="Azure's.")
@click.option("--region", default="", help="Bedrock's.")
@click.option("--access-key-id", default="", help="Bedrock's; the secret access key is what is read or asked for then.")
@click.option("--model", "models", multiple=True, help="A model that it offers; left out: it is asked.")
def add(key_stdin: bool, **fields: Any) -> None:
    """Add a provider called NAME. Its models can be asked for as NAME/model, and routes can send requests to it.

    The credential is never an argument: others on this machine could read it.
    """
    secret = "" if fields["api_key_env"] else _credential(asked=fields["kind"] in PROMPTED, from_stdin=key_stdin)
    secret_name = "secret_access_key" if fields["access_key_id"] else "api_key"
    document = {**fields, "models": list(fields["models"]), secret_name: secret}
    with machine() as appliance:
        made = appliance.routing.add_provider(document)
    click.echo(f"{made.name} is added. `gatehouse providers test {made.name}` tries the connection.")


@providers.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the provider called NAME, and its credential."""
    with machine() as appliance:
        appliance.routing.remove_provider(name)
    click.echo(f"{printable(name)} is removed.")


@providers.command("test", short_help="Try the connection to a provider.")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def try_provider(name: str, as_json: bool) -> int:
    """Ask the provider called NAME for its models: it is there, and its credential is good. Ends with 1 where not."""
    with machine() as appliance:
        tried = appliance.routing.try_provider(name)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(tried), indent=2, ensure_ascii=False))
    elif tried.error is not None:
        say_failure(printable(tried.error.message), printable(tried.error.fix))
    else:
        more = f" and {len(tried.models) - MODELS_TOLD} more" if len(tried.models) > MODELS_TOLD else ""
        names = printable(", ".join(tried.models[:MODELS_TOLD])) or "it named no models"
        click.echo(f"{printable(name)} answered after {tried.seconds:.2f} s: {names}{more}")
    return 0 if tried.ok else 1


def _credential(*, asked: bool, from_stdin: bool) -> str:
    """Errors: InvalidField where there is nobody to ask."""
    if from_stdin:
        return sys.stdin.read(CREDENTIAL_CHARACTERS_MAX + 1).strip()
    if not asked:
        return ""
    if not sys.stdin.isatty():
        raise InvalidField("no credential was given", fix="Pipe it in with --key-stdin, or name a variable with --key-env.")
    return str(click.prompt("Credential", hide_input=True)).strip()


def _row(provider: "ProviderShown") -> tuple[str, ...]:
    credential = (
        f"${provider.api_key_env}"
        if provider.api_key_env
        else provider.api_key_end or provider.secret_access_key_end or ("set" if provider.has_credential else "none")
    )
    routes = str(len(provider.used_by))
    return (provider.name, provider.kind, credential, provider.source, routes, provider.base_url or "the vendor's")
