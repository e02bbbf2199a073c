"""How whoever asks reaches the appliance: what their lines must say."""

from collections.abc import Callable

from appliance.api.forms import AnyRequest, is_secure
from appliance.identity.own_keys import OwnKeys
from appliance.lan.addresses import url_host
from appliance.lan.hosts import name_of
from appliance.lan.lan import Lan
from appliance.lan.lines import Section, certificate
from appliance.lan.snippets import ANY_MODEL, snippets
from appliance.settings import Settings


class Addresses:
    """`base_url`: for links, without a path; `model`: the name of one that is offered, among those that somebody may use."""

    def __init__(
        self,
        lan: Lan,
        settings: Settings,
        base_url: Callable[[], str],
        model: Callable[[list[str] | None], str | None],
        keys: OwnKeys,
    ) -> None:
        self._lan = lan
        self._settings = settings
        self._base_url = base_url
        self._model = model
        self._keys = keys

    async def lines(self, request: AnyRequest, key: str, user_number: int) -> list[Section]:
        """With the address at which this browser found us, since that one works from there."""
        host = request.headers.get("host", "")
        base = f"{'https' if is_secure(request) else 'http'}://{host}"
        if name_of(host.encode("latin-1", "replace")) is None:  # the setting allowed_hosts may let anything in
            base = self._base_url()
        ours = request.scope["scheme"] == "https" and self._lan.is_on  # a proxy before us has a certificate of its own
        model = self._model((await self._keys.person(user_number)).models) or ANY_MODEL
        found = snippets(api=f"{base}/v1", key=key, model=model, own_authority=ours)
        if not ours:
            return found
        name = url_host(name_of(base.partition("://")[2].encode()) or "localhost")
        return [certificate(f"http://{name}:{self._settings.port}/join"), *found]
