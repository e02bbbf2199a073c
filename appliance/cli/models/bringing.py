"""`gatehouse models get`, `add` and `import`: how models come here."""

from pathlib import Path

import click

from appliance.cli.main import printable
from appliance.cli.models.here import entry_of, here
from appliance.cli.models.progress import progress
from appliance.errors import Conflict
from appliance.home import CannotStart
from appliance.local import imports
from appliance.local.catalogue import catalogue
from appliance.local.imports import Candidate, ImportKind
from appliance.local.registry import id_for

_FROM = "A mirror's address (https://…) or a folder, such as a USB stick's, instead of the catalogue's own source."


def _get(model_id: str | None, source: str | None) -> None:
    from appliance.local.fetch import fetch

    place = here()
    if model_id is None and not place.settings.local_models:
        click.echo("Local models are off (local_models = false): nothing to get.")
        return
    chosen = model_id or place.settings.local_model
    if model_id is None and chosen not in catalogue():
        if chosen in place.models:
            return  # the settings choose a model that was added
        raise CannotStart(
            f"the setting local_model is {chosen[:80]!r}, which is neither in the catalogue nor added here",
            f"Set local_model to one of: {', '.join(dict.fromkeys([*catalogue(), *place.models]))}",
        )
    entry = entry_of(chosen)
    place.home.make()
    was_there = (place.home.models / entry.file).exists()
    with progress(f"Getting {entry.id}") as on_progress:
        path = fetch(entry, place.home.models, on_progress, source=source, settings=place.settings)
    click.echo(f"{entry.id} is here: {path}")
    if was_there:
        return
    click.echo(
        f"Its licence: {entry.licence}{'' if entry.is_permissive else '. It has conditions: read it before you use the model'}"
    )
    if entry.demonstration:
        click.echo("It is a small demonstration model: fluent, and often wrong. `gatehouse doctor` recommends a better one.")


@click.command("get", short_help="Get a model of the catalogue.")
@click.argument("model_id", metavar="[ID]", required=False)
@click.option("--from", "source", metavar="URL|FOLDER", help=_FROM)
def get_model(model_id: str | None, source: str | None) -> None:
    """Get a model of the catalogue, by default the one that settings choose.

    It is checked against the catalogue's sha256. What was broken off goes on where it stopped. Does nothing where the
    model is here and intact.
    """
    _get(model_id, source)


@click.command("fetch", hidden=True)
@click.argument("model_id", metavar="[ID]", required=False)
@click.option("--from", "source", metavar="URL|FOLDER", help=_FROM)
def fetch_model(model_id: str | None, source: str | None) -> None:
    """The same as `get`, as it was called first."""
    _get(model_id, source)


@click.command("add", short_help="Add a GGUF file as a model.")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--id", "model_id", help="What callers write as model; made from the file's name where left out.")
@click.option("--link", is_flag=True, help="Leave the file where it is instead of copying it.")
def add_model(path: Path, model_id: str | None, link: bool) -> None:
    """Add a GGUF file as a model. Its header is checked before anything else reads it."""
    from appliance.local.gguf import GgufError

    place = here()
    place.home.make()
    with progress(f"{'Reading' if link else 'Copying'} {path.name}") as on_progress:
        try:
            model = place.registry.add(path, model_id or id_for(path), link=link, on_progress=on_progress)
        except GgufError as error:
            raise CannotStart(f"{path} can't be added: {error}", "Get the file again, whole, and as GGUF.") from error
        except ValueError as error:
            raise CannotStart(f"{path} changed while it was read", "Wait until it is complete, then add it again.") from error
    click.echo(f'{model.id} is here ({model.kind}). Ask for it with "model": "{model.id}".')
    click.echo(f"sha256 {model.sha256}")


@click.command("import", short_help="Adopt models of Ollama, LM Studio, a folder.")
@click.argument("source", metavar="ollama|lmstudio|FOLDER")
@click.option("--path", type=click.Path(path_type=Path), help="Where the program's models are, if not at the usual place.")
@click.option("--only", multiple=True, metavar="ID", help="Only this one; may stand several times.")
@click.option("--dry-run", is_flag=True, help="Only show what there is.")
def import_models(source: str, path: Path | None, only: tuple[str, ...], dry_run: bool) -> int:
    """Adopt models that other programs have on this machine, where they lie. Nothing is copied, and nothing of theirs changed.

    They stay that program's: when it removes one, it is gone here too.
    """
    kind: ImportKind = "ollama" if source == "ollama" else "lmstudio" if source == "lmstudio" else "folder"
    if kind == "folder":
        path = Path(source)
    found = [each for each in imports.candidates(kind, path) if not only or each.id in only]
    if not found:
        raise CannotStart("there is no model to adopt", "`--path FOLDER` says where to look.")
    if dry_run:
        for candidate in found:
            click.echo(_line(candidate))
        return 0
    adopted = sum(_adopted(candidate) for candidate in found)
    return 0 if adopted else 1


def _adopted(candidate: Candidate) -> bool:
    from appliance.local.gguf import GgufError

    if candidate.problem:
        click.echo(_line(candidate))
        return False
    place = here()
    place.home.make()
    try:
        with progress(f"Reading {candidate.id}") as on_progress:
            model = imports.adopt(place.registry, candidate, on_progress)
    except (GgufError, OSError, ValueError, Conflict) as error:
        what = error.strerror if isinstance(error, OSError) else str(error)
        click.echo(f"{candidate.id}: skipped, {what}")
        return False
    click.echo(
        f"{model.id}: here already"
        if model.id in place.models
        else f"{model.id}: adopted ({model.kind}), {printable(str(model.path))}"
    )
    return True


def _line(candidate: Candidate) -> str:
    if candidate.problem:
        return printable(f"{candidate.id}: skipped, {candidate.problem}")
    return printable(f"{candidate.id}: {candidate.kind}, {candidate.bytes / 1e6:,.0f} MB, {candidate.path}")
