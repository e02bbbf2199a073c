"""`gatehouse models`: the models on this machine. A running server sees what changes here within seconds."""

import click

from appliance.cli.models.bringing import add_model, fetch_model, get_model, import_models
from appliance.cli.models.keeping import remove_model, verify_models
from appliance.cli.models.listing import list_models, show_model
from appliance.cli.models.running import bench_model, load_model, unload_model


class InOrder(click.Group):
    """Lists its commands in the order in which a person meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder)
def models() -> None:
    """Local models: get them, look after them, run them."""


for command in (list_models, show_model, get_model, fetch_model, add_model, import_models, remove_model, verify_models):
    models.add_command(command)
for command in (load_model, unload_model, bench_model):
    models.add_command(command)
