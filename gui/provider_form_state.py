"""The form of one provider, without Qt: which fields its kind needs, what is wrong with them, what is sent."""

import re
from typing import Any

import msgspec

from gui.plain_text import one_line
from gui.provider_row_state import KINDS
from gui.providers_state import Provider, Providers

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}\Z")
REGION = re.compile(r"[a-z0-9-]{1,40}\Z")
SECRETS = ("api_key", "access_key_id", "secret_access_key")
MODELS_SHOWN_MAX = 4_000  # characters, in one field
TITLES = {
    "name": "Name", "base_url": "Address", "api_version": "API version", "region": "Region", "api_key": "Key",
    "api_key_env": "Variable", "access_key_id": "Access key id", "secret_access_key": "Secret access key", "models": "Models",
}  # fmt: skip
EXAMPLES = {
    "azure": "https://NAME.openai.azure.com",
    "openai-compatible": "https://api.mistral.ai/v1",
    "vllm": "http://192.168.1.20:8000/v1",
}
HAVE_A_LIST = ("azure", "bedrock", "openai-compatible", "vllm")  # their list of models may be none, or far too long
WAYS_TO_A_KEY = {
    "key": "A key, kept sealed",
    "pair": "A pair of AWS keys",
    "env": "A variable of the gateway's environment",
    "none": "None: the server is open",
}


class ProviderForm(msgspec.Struct, frozen=True):
    """What stands in the dialog. credential: key, pair, env or none."""

    kind: str = "openai"
    name: str = ""
    base_url: str = ""
    api_version: str = ""
    region: str = ""
    credential: str = "key"
    api_key: str = ""
    api_key_env: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    models: str = ""


def form_of(provider: Provider) -> ProviderForm:
    """The form of a provider that is there: its key isn't told, so those fields are empty."""
    return ProviderForm(
        kind=provider.kind,
        name=provider.name,
        base_url=provider.base_url,
        api_version=provider.api_version,
        region=provider.region,
        credential=credential_of(provider),
        api_key_env=provider.api_key_env,
        models=", ".join(provider.models),
    )


def credential_of(provider: Provider) -> str:
    if provider.api_key_env:
        return "env"
    if provider.access_key_id_end or provider.secret_access_key_end:
        return "pair"
    needs = provider.kind in KINDS and KINDS[provider.kind].needs_key
    return "key" if provider.has_credential or needs else "none"


def suggested_name(kind: str, providers: Providers) -> str:
    """The kind's own name, or the first that is free."""
    plain = {"openai-compatible": "server"}.get(kind, kind)
    return next(name for name in (plain, *(f"{plain}-{n}" for n in range(2, 600))) if providers.named(name) is None)


def ways_to_a_key(kind: str) -> list[str]:
    return ["key", *(["pair"] if kind == "bedrock" else []), "env", *([] if KINDS[kind].needs_key else ["none"])]


def fields(kind: str, credential: str, *, has_address: bool = False) -> list[str]:
    """Those to fill in. `has_address`: one is given though the vendor has its own."""
    named = {"azure": ["api_version"], "bedrock": ["region"]}.get(kind, [])
    address = [] if KINDS[kind].address and not has_address else ["base_url"]
    keys = {"key": ["api_key"], "pair": ["access_key_id", "secret_access_key"], "env": ["api_key_env"]}.get(credential, [])
    return ["name", *address, *named, *keys, *(["models"] if kind in HAVE_A_LIST else [])]


def hint(field: str, kind: str, before: Provider | None) -> str:
    """What stands in an empty field."""
    if before is not None and (kept := kept_end(field, before)):
        return f"Stays as it is ({kept}) unless you type another"
    return {
        "name": "Small letters and digits; callers write name/model",
        "base_url": EXAMPLES.get(kind, "The vendor's own, unless you give one"),
        "api_version": "Empty: Azure's v1 surface. Else for example 2024-10-21",
        "region": "us-east-1",
        "api_key": "Paste the key",
        "api_key_env": "OPENAI_API_KEY",
        "access_key_id": "AKIA…",
        "secret_access_key": "Paste the secret key",
        "models": "Empty: it is asked. Else names, with commas between",
    }[field]


def kept_end(field: str, before: Provider) -> str:
    """How a kept credential ends; `given` where it is too short to be shown; empty where there is none."""
    if field not in SECRETS or not keeps(field, before):
        return ""
    return {
        "api_key": before.api_key_end,
        "access_key_id": before.access_key_id_end,
        "secret_access_key": before.secret_access_key_end,
    }[field] or "given"


def keeps(field: str, before: Provider | None) -> bool:
    """Whether an empty field means the credential that is kept."""
    if before is None or not before.has_credential:
        return False
    return credential_of(before) == ("key" if field == "api_key" else "pair")


def wrong(form: ProviderForm, before: Provider | None, *, is_test: bool = False) -> dict[str, str]:
    """What can be seen from here, by field; the gateway looks at the rest. A test needs no name."""
    shown = fields(form.kind, form.credential, has_address=bool(form.base_url))
    found: dict[str, str] = {}
    if not is_test and not NAME.match(form.name):
        found["name"] = "Begin with a small letter or a digit, then small letters, digits, points and dashes." if form.name else (
            "Give it a name."
        )  # fmt: skip
    if "base_url" in shown and not form.base_url and not KINDS[form.kind].address:
        found["base_url"] = f"Write where it is, for example {EXAMPLES[form.kind]}."
    elif form.base_url and not form.base_url.startswith(("http://", "https://")):
        found["base_url"] = "An address begins with https:// or http://."
    if form.kind == "bedrock" and not REGION.match(form.region):
        found["region"] = "Write the AWS region where your models are, for example us-east-1."
    if form.credential == "env" and not VARIABLE.match(form.api_key_env):
        found["api_key_env"] = "Write the variable's name in capitals, for example OPENAI_API_KEY."
    return found | _missing_keys(form, before)


def _missing_keys(form: ProviderForm, before: Provider | None) -> dict[str, str]:
    if form.credential == "key" and not form.api_key and not keeps("api_key", before):
        return {"api_key": "Paste the key."}
    if form.credential != "pair":
        return {}
    given = {field: getattr(form, field) for field in ("access_key_id", "secret_access_key")}
    if not any(given.values()) and keeps("access_key_id", before):
        return {}
    return {field: "Both keys of the pair are needed." for field, value in given.items() if not value}


def body(form: ProviderForm) -> dict[str, Any]:
    """A whole form, as it is added or tried."""
    shown = fields(form.kind, form.credential, has_address=bool(form.base_url))
    sent = {name: getattr(form, name) for name in shown if name != "models" and getattr(form, name)}
    sent |= {"kind": form.kind, "name": form.name or form.kind}
    return {**sent, "models": models(form)} if "models" in shown and models(form) else sent


def changes(form: ProviderForm, before: Provider) -> dict[str, Any]:
    """Only what differs. A credential that isn't typed anew stays; one of another sort takes the place of all others."""
    now: dict[str, Any] = {name: getattr(form, name) for name in ("name", "base_url", "api_version", "region")}
    sent = {name: value for name, value in now.items() if value != getattr(before, name)}
    if form.kind in HAVE_A_LIST and models(form) != before.models:
        sent["models"] = models(form)
    given = {name: getattr(form, name) for name in fields(form.kind, form.credential) if name in (*SECRETS, "api_key_env")}
    is_other = form.credential != credential_of(before)
    if is_other or (any(given.values()) and given != {"api_key_env": before.api_key_env}):
        sent |= {**dict.fromkeys((*SECRETS, "api_key_env"), ""), **given}
    return sent


def models(form: ProviderForm) -> list[str]:
    return [name for piece in re.split(r"[,\n]", form.models) if (name := piece.strip())]


def test_of(form: ProviderForm, before: Provider | None) -> tuple[str, str]:
    """How the connection is tried: (`form`, ""), (`stored`, "") with the kept key, or ("", why it can't be)."""
    if before is None:
        return "form", ""
    changed = set(changes(form, before)) - {"name", "models"}
    if not changed:
        return "stored", ""
    if form.credential in ("env", "none") or any(getattr(form, name) for name in SECRETS):
        return "form", ""
    return "", "Type the key again to try what you have changed: the one that is kept isn't shown to this app."


def field_of(param: str) -> str:
    """The field that the gateway complains of; empty where the dialog has none for it."""
    name = re.split(r"[.\[]", param.removeprefix("$."))[0]
    return name if name in TITLES else ""


def complaint(message: str, param: str) -> str:
    """Without the field's name, where it stands at the field."""
    return one_line(message.removeprefix(f"{param}: "), 400)
