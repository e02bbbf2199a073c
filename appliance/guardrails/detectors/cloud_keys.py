"""Keys of clouds, hosts and the services that keep other secrets."""

from collections.abc import Iterable

from appliance.guardrails.dummies import is_filled_in
from appliance.guardrails.entropy import bits
from appliance.guardrails.grouped_pattern import grouped
from appliance.guardrails.pattern import Found, Match, Pattern
from appliance.guardrails.token_forms import DOTTED, Form, stands_alone, tokens

_AWS = ("AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA", "AGPA", "AIPA", "ANPA", "ANVA", "APKA", "ASCA")
_FLY = r"[0-9A-Za-z_+/=,-]{60,}"


def _marked(kind: str, score: float) -> Pattern:
    """Azure's: the mark stands in the middle."""

    def judge(match: Match) -> Iterable[Found]:
        start, end = match.span(1)
        value = match.text[start:end]
        return [Found(f"SECRET_{kind}", score, (start, end))] if stands_alone(match, start, end) and bits(value) > 3.2 else []

    return grouped(
        name="azure_client_secret",
        types=(f"SECRET_{kind}",),
        regex=r"(?:^|[^0-9A-Za-z_~.-]|\\[nrt]|%[0-9A-F]{2}|\[[0-9;]{1,9}m)([0-9A-Za-z_~.-]{3}[0-9]Q~[0-9A-Za-z_~.-]{31,34})",
        judge=judge,
        length_max=58,
        looks_after=1,
    )


def _embedded(match: Match) -> Iterable[Found]:
    start, end = match.span(1)
    value = match.text[start:end]
    if not stands_alone(match, start, end) or is_filled_in(value[:20]):
        return []
    kind = "SECRET_TERRAFORM" if ".atlasv1." in value else "SECRET_AZURE"
    return [Found(kind, 0.95, (start, end))]


PATTERNS: tuple[Pattern, ...] = (
    tokens(
        "cloud_keys",
        [
            *(Form("AWS", prefix, r"(?=[A-Z]*[0-9]|[A-Z2-7]{16})[A-Z0-9]{16,17}") for prefix in _AWS),
            Form("AWS", "da2-", r"[0-9a-z]{26}"),
            Form("ALIBABA", "LTAI", r"[0-9A-Za-z]{12,24}"),
            Form("TENCENT", "AKID", r"[0-9A-Za-z]{28,36}"),
            Form("GCP", "GOCSPX-", r"[0-9A-Za-z_-]{24,32}"),
            *(Form("DIGITALOCEAN", prefix, r"[0-9a-f]{64}") for prefix in ("dop_v1_", "doo_v1_", "dor_v1_", "dos_v1_")),
            Form("HEROKU", "HRKU-", r"(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Za-z_-]{56,64})"),
            *(Form("CLOUDFLARE", prefix, r"[0-9A-Za-z]{40}[0-9a-f]{8}") for prefix in ("cfat_", "cfut_", "cfk_")),
            Form("SCALEWAY", "SCW", r"(?=[A-Z]*[0-9])[0-9A-Z]{17}", 0.7),
            Form("TAILSCALE", "tskey-", r"(?:[a-z]{3,8}-)?[0-9A-Za-z]{10,26}-[0-9A-Za-z]{20,40}"),
            Form("FLY", "fo1_", r"[0-9A-Za-z_-]{43}"),
            Form("RENDER", "rnd_", r"(?=[A-Za-z]*[0-9])[0-9A-Za-z]{28,36}"),
            Form("VERCEL", "vcp_", r"[0-9A-Za-z]{24,64}"),
            Form("VERCEL", "vck_", r"[0-9A-Za-z]{24,64}"),
            Form("VERCEL", "vercel_blob_rw_", r"[0-9A-Za-z]{12,20}_[0-9A-Za-z]{24,40}"),
            *(Form("NETLIFY", prefix, r"[0-9A-Za-z]{36}") for prefix in ("nfp_", "nfc_", "nfo_", "nfu_")),
            Form("SUPABASE", "sbp_", r"(?:v0_)?[0-9a-f]{40}"),
            Form("SUPABASE", "sb_secret_", r"[0-9A-Za-z_-]{20,48}"),
            Form("PLANETSCALE", "pscale_", r"(?:tkn|oauth|pw)_[0-9A-Za-z_-]{32,64}"),
            Form("NEON", "napi_", r"[0-9a-z]{60,72}"),
            Form("AIVEN", "AVNS_", r"[0-9A-Za-z_-]{15,24}"),
            Form("DATABRICKS", "dapi", r"[0-9a-f]{32}(?:-[0-9])?"),
            Form("DATABRICKS", "dose", r"[0-9a-f]{32}"),
            Form("AGE", "AGE-SECRET-KEY-1", r"[0-9A-Z]{56,60}"),
            Form("ONE_PASSWORD", "A3-", r"[0-9A-Z]{6}-(?:[0-9A-Z]{11}|[0-9A-Z]{6}-[0-9A-Z]{5})(?:-[0-9A-Z]{5}){3}"),
            Form("ONE_PASSWORD", "ops_eyJ", r"[0-9A-Za-z_-]{120,}"),
            Form("PREFECT", "pnu_", r"[0-9A-Za-z]{36}"),
            Form("CLICKHOUSE", "4b1d", r"[0-9A-Za-z]{38}"),
            Form("YANDEX", "AQVN", r"[0-9A-Za-z_-]{35,38}"),
            Form("YANDEX", "YCAJE", r"[0-9A-Za-z_-]{20}"),
            Form("SCALINGO", "tk-us-", r"[0-9A-Za-z_-]{48}"),
            Form("DEFINED_NETWORKING", "dnkey-", r"[0-9A-Za-z=_-]{26}-[0-9A-Za-z=_-]{52}"),
            Form("AKAMAI", "akab-", r"[0-9a-z]{16}-[0-9a-z]{16}(?!\.[0-9a-z-]{1,80}\.akamai)"),
            Form("SENTRY", "sntryu_", r"[0-9a-f]{64}"),
            Form("GRAFANA", "glsa_", r"[0-9A-Za-z_-]{32}_[0-9A-Fa-f]{8}"),
        ],
    ),
    tokens(
        "cloud_keys_with_parts",
        [
            Form("AWS", "amzn.mws.", r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
            Form("AWS", "FwoGZXIvYXdz", r"[0-9A-Za-z+/]{80,}={0,2}"),
            Form("AWS", "IQoJb3JpZ2lu", r"[0-9A-Za-z+/]{80,}={0,2}"),
            Form("GCP", "ya29.", r"[0-9A-Za-z_.-]{22,}"),
            Form("GCP", "1//0", r"[0-9A-Za-z_-]{36,}"),
            Form("CLOUDFLARE", "v1.0-", r"[0-9a-f]{24}-[0-9a-f]{146}"),
            Form("FLY", "fm1_", _FLY),
            Form("FLY", "fm2_", _FLY),
            *(Form("VAULT", prefix, r"[0-9A-Za-z_-]{24,200}") for prefix in ("hvs.", "hvb.", "hvr.")),
            *(
                Form("DOPPLER", f"dp.{part}.", r"(?:[a-z0-9_-]{2,35}\.)?[0-9A-Za-z]{40,44}")
                for part in ("pt", "st", "ct", "sa", "scim", "audit")
            ),
            Form("OPENSHIFT", "sha256~", r"[0-9A-Za-z_-]{43}"),
            Form("YANDEX", "t1.", r"[A-Z0-9a-z_-]{4,}[=]{0,2}\.[A-Z0-9a-z_-]{86}[=]{0,2}"),
            Form("YANDEX", "y0_", r"[0-9A-Za-z_-]{50,60}"),
            Form("DYNATRACE", "dt0", r"[a-z][0-9]{2}\.[0-9A-Z]{24}\.[0-9A-Z]{64}"),
            Form("SENTRY", "sntrys_eyJ", r"[0-9A-Za-z+/_-]{60,}={0,2}[0-9A-Za-z+/_-]{0,64}"),
            Form("GRAFANA", "glc_eyJ", r"[0-9A-Za-z+/_-]{40,}={0,2}"),
            Form("ONE_PASSWORD", "ops_eyJ", r"[0-9A-Za-z+/_-]{200,}={0,2}"),
        ],
        DOTTED,
    ),
    _marked("AZURE", 0.9),
    grouped(
        name="embedded_marks",
        types=("SECRET_AZURE", "SECRET_TERRAFORM"),
        regex=r"(?:^|[^0-9A-Za-z+/_-]|\\[nrt]|%[0-9A-F]{2}|\[[0-9;]{1,9}m)([0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=-]"
        r"{60,}|[0-9A-Za-z+/]{40,}JQQJ99[0-9A-Za-z+/]{20,}={0,2}"
        r"|[0-9A-Za-z+/]{40,}(?:AzFu|AzSe|AzCa|\+ASt|\+AMC|AIoT|ACDb|ACRBAT|AZEG|APIM)[0-9A-Za-z+/]{4,12}={0,2})",
        judge=_embedded,
        length_max=196,
        looks_after=1,
    ),
)
