"""`gatehouse models remove` and `verify`."""

import click

from appliance.cli.models.here import here, model_of
from appliance.cli.models.progress import progress
from appliance.home import CannotStart
from appliance.local import verify
from appliance.local.catalogue import catalogue


@click.command("remove")
@click.argument("model_id", metavar="ID")
def remove_model(model_id: str) -> None:
    """Remove a model, and its file unless it was only linked."""
    from appliance.local.fetch import part_file

    place = here()
    entry = catalogue().get(model_id)
    if entry is not None and model_id not in place.models and (part := part_file(entry, place.home.models)).exists():
        part.unlink()
        click.echo(f"What had come of {model_id} is removed")
        return
    model = place.registry.remove(model_id)
    kept = f"; the file stays: {model.path}" if model.linked else ""
    click.echo(f"{model.id} is removed{kept}")


@click.command("verify", short_help="Check that models' files are as they were.")
@click.argument("model_ids", metavar="[ID]...", nargs=-1)
def verify_models(model_ids: tuple[str, ...]) -> int:
    """Read models' files whole, all of them where none is named, and compare them with their sha256.

    Ends with 1 where a file is not as it was.
    """
    place = here()
    chosen = [model_of(place, model_id) for model_id in model_ids] or list(place.models.values())
    if not chosen:
        raise CannotStart("no model is here", "`gatehouse models list` shows what can be got.")
    spoilt = 0
    for model in chosen:
        with progress(f"Reading {model.id}") as on_progress:
            problem = verify.problem(model, on_progress)
        spoilt += problem is not None
        again = f"gatehouse models get {model.id}" if model.origin == "catalogue" else "get or add it anew"
        click.echo(f"{model.id}: {problem}. Fix: {again}" if problem else f"{model.id}: intact, sha256 {model.sha256}")
    return 1 if spoilt else 0
