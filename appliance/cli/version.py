"""`gatehouse version`: what is installed, read from the packages' own records and not by importing them."""

import importlib.metadata
import json
import platform

import click

from appliance import __version__

ENGINES = ("xllamacpp", "llama-cpp-python", "vllm")


def versions() -> dict[str, object]:
    """The appliance, Python, and each engine that is installed."""
    engines = {}
    for name in ENGINES:
        try:
            engines[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "gatehouse": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "engines": engines,
    }


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def version(as_json: bool) -> None:
    """Show the version, and those of Python and the engines."""
    found = versions()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    engines = found.pop("engines")
    assert isinstance(engines, dict)
    for name, value in [*found.items(), *engines.items()]:
        click.echo(f"{name} {value}")
    if not engines:
        click.echo("no local engine installed: pip install 'gatehouse[local]'")
