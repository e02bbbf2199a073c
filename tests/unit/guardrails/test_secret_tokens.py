"""Tokens with a form of their own, as vendors document them: found alone, in code, files, prose and escapes; and look-alikes."""

import pytest

from tests.unit.guardrails.secret_values import drawn, secrets_of

# kind, form: the beginning is cut in two, so that no line of this file looks like a token to anybody.
FORMS = [
    ("GITHUB", "gh" + "p_{w36}"),
    ("GITHUB", "gh" + "o_{w36}"),
    ("GITHUB", "gh" + "s_{w36}"),
    ("GITHUB", "github" + "_pat_{w22}_{w59}"),
    ("GITLAB", "gl" + "pat-{u20}"),
    ("GITLAB", "gl" + "pat-{u27}.01.{a9}"),
    ("GITLAB", "gl" + "dt-{u20}"),
    ("GITLAB", "gl" + "rt-{u20}"),
    ("GITLAB", "gl" + "cbt-1a_{w20}"),
    ("GITLAB", "GR" + "1348941{u20}"),
    ("BITBUCKET", "AT" + "BB{w24}0A1B2C3D"),
    ("BITBUCKET", "AT" + "CTT3xFfGN0{u120}=0A1B2C3D"),
    ("ATLASSIAN", "AT" + "ATT3xFfGF0{u170}=0A1B2C3D"),
    ("NPM", "np" + "m_{w36}"),
    ("PYPI", "py" + "pi-AgEIcHlwaS5vcmc{u120}"),
    ("RUBYGEMS", "ruby" + "gems_{x48}"),
    ("NUGET", "oy" + "2{a43}"),
    ("CLOJARS", "CLO" + "JARS_{x60}"),
    ("DOCKER", "dckr" + "_pat_{u27}"),
    ("DOCKER", "SWM" + "TKN-1-{a50}-{a25}"),
    ("SOURCEGRAPH", "sg" + "p_{x40}"),
    ("SONARQUBE", "sq" + "p_{x40}"),
    ("CIRCLECI", "CCI" + "PAT_{w22}_{x40}"),
    ("PULUMI", "pu" + "l-{x40}"),
    ("ANTHROPIC", "sk-" + "ant-api03-{u93}AA"),
    ("ANTHROPIC", "sk-" + "ant-admin01-{u93}AA"),
    ("ANTHROPIC", "sk-" + "ant-oat01-{u80}"),
    ("OPENAI", "sk-" + "proj-{u74}T3BlbkFJ{u74}"),
    ("OPENAI", "sk-" + "svcacct-{u60}T3BlbkFJ{u60}"),
    ("OPENAI", "sk-" + "{w20}T3BlbkFJ{w20}"),
    ("OPENROUTER", "sk-" + "or-v1-{x64}"),
    ("AI_VENDOR", "sk-" + "{x32}"),
    ("AI_VENDOR", "sk-" + "{w48}"),
    ("HUGGING_FACE", "h" + "f_{L34}"),
    ("REPLICATE", "r" + "8_{w37}"),
    ("GROQ", "gs" + "k_{w52}"),
    ("PERPLEXITY", "pp" + "lx-{w48}"),
    ("XAI", "xa" + "i-{w80}"),
    ("FIREWORKS", "f" + "w_{w24}"),
    ("TOGETHER", "tgp" + "_v1_{u43}"),
    ("LLAMA_CLOUD", "ll" + "x-{w48}"),
    ("TAVILY", "tv" + "ly-dev-{w32}"),
    ("LANGSMITH", "ls" + "v2_pt_{x32}_{x10}"),
    ("NVIDIA", "nv" + "api-{u64}"),
    ("PINECONE", "pc" + "sk_{w6}_{w63}"),
    ("GOOGLE_API", "AI" + "za{u35}"),
    ("CEREBRAS", "cs" + "k-{a48}"),
    ("AWS", "AK" + "IA{t16}"),
    ("AWS", "AS" + "IA{t16}"),
    ("ALIBABA", "LT" + "AI{w20}"),
    ("TENCENT", "AK" + "ID{w32}"),
    ("GCP", "GOC" + "SPX-{u28}"),
    ("GCP", "ya" + "29.a0{u120}"),
    ("GCP", "1/" + "/0{u90}"),
    ("DIGITALOCEAN", "do" + "p_v1_{x64}"),
    ("HEROKU", "HR" + "KU-{x8}-{x4}-{x4}-{x4}-{x12}"),
    ("CLOUDFLARE", "v1" + ".0-{x24}-{x146}"),
    ("TAILSCALE", "ts" + "key-auth-{w16}-{w32}"),
    ("SUPABASE", "sb" + "p_{x40}"),
    ("PLANETSCALE", "psc" + "ale_tkn_{u43}"),
    ("DATABRICKS", "da" + "pi{x32}"),
    ("AGE", "AGE-SEC" + "RET-KEY-1{A58}"),
    ("VAULT", "hv" + "s.{u90}"),
    ("VAULT", "hv" + "s.{w24}"),
    ("DOPPLER", "dp" + ".pt.{w43}"),
    ("OPENSHIFT", "sha" + "256~{u43}"),
    ("DYNATRACE", "dt" + "0c01.{A24}.{A64}"),
    ("SENTRY", "snt" + "ryu_{x64}"),
    ("GRAFANA", "gl" + "sa_{w32}_{x8}"),
    ("TERRAFORM", "{w14}.atl" + "asv1.{u67}"),
    ("AZURE", "{w3}8" + "Q~{w34}"),
    ("AZURE", "{w52}JQQJ99" + "BAACAAAAA{w23}"),
    ("SLACK", "xo" + "xb-{d12}-{d13}-{w24}"),
    ("SLACK", "xo" + "xp-{d12}-{d12}-{d12}-{x32}"),
    ("SLACK", "xa" + "pp-1-A{A10}-{d13}-{x64}"),
    ("SLACK", "hooks.slack" + ".com/services/T{A10}/B{A10}/{w24}"),
    ("STRIPE", "sk" + "_live_{w24}"),
    ("STRIPE", "rk" + "_live_{w99}"),
    ("STRIPE", "sk" + "_test_{w24}"),
    ("WEBHOOK_KEY", "wh" + "sec_{w32}"),
    ("SQUARE", "sq0" + "atp-{u22}"),
    ("SQUARE", "EA" + "AA{u60}"),
    ("TWILIO", "S" + "K{x32}"),
    ("MAILGUN", "ke" + "y-{x32}"),
    ("MAILGUN", "{x32}-{x8}-{x8}"),
    ("MAILCHIMP", "{x32}-" + "us12"),
    ("SENDGRID", "S" + "G.{u22}.{u43}"),
    ("BREVO", "xkey" + "sib-{x64}-{w16}"),
    ("SHOPIFY", "sh" + "pat_{x32}"),
    ("NEW_RELIC", "NR" + "AK-{A27}"),
    ("NEW_RELIC", "{x36}NR" + "AL"),
    ("RAZORPAY", "rz" + "p_live_{w14}"),
    ("LINEAR", "lin" + "_api_{w40}"),
    ("NOTION", "nt" + "n_{d11}{w35}"),
    ("NOTION", "sec" + "ret_{w43}"),
    ("POSTMAN", "PM" + "AK-{x24}-{x34}"),
    ("AIRTABLE", "pa" + "t{w14}.{x64}"),
    ("DROPBOX", "s" + "l.B{u130}"),
    ("FACEBOOK", "EA" + "A{w160}"),
    ("TELEGRAM", "{d10}:A" + "A{u33}"),
    ("DISCORD", "MTIzNDU2Nzg5MDEyMzQ1Njc4" + ".{u6}.{u38}"),
    ("DISCORD", "discord.com/api" + "/webhooks/{d18}/{u68}"),
    ("FIGMA", "fi" + "gd_{u40}"),
    ("HUBSPOT", "pat-" + "na1-{x8}-{x4}-{x4}-{x4}-{x12}"),
    ("RESEND", "r" + "e_{w8}_{w24}"),
    ("PLAID", "access-" + "production-{x8}-{x4}-{x4}-{x4}-{x12}"),
    ("PAYPAL", "access_token" + "$production${a16}${x32}"),
    ("ASANA", "1" + "/{d16}:{x32}"),
    ("SENTRY", "https://{x32}" + "@o12345.ingest.sentry.io/6789"),
]
AROUND = [
    "{}",
    "my key {} does not work",
    "Here it is: {}. Thanks!",
    "TOKEN={}\nNEXT=1",
    'export TOKEN="{}"',
    "  - name: TOKEN\n    value: {}\n",
    '{{"t": "{}", "n": 1}}',
    '"{{\\"t\\": \\"{}\\"}}"',
    "client = Client('{}', timeout=3)",
    "https://example.net/a?t={}&b=1",
    "`{}`",
    "|{}|x|",
    "({})",
    "line\\n{}\\nline",
    "\x1b[93m{}\x1b[0m",
    "चाबी {} है",
    "<td>{}</td>",
    "a%3D{}%26",
]


@pytest.mark.parametrize(("kind", "form"), FORMS, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(FORMS)])
def test_a_token_is_found_whole_wherever_it_stands(kind: str, form: str) -> None:
    for number, around in enumerate(AROUND):
        token = drawn(form, number)
        text = around.format(token)
        found = [one for one in secrets_of(text) if one[0] == kind]
        assert found, f"{kind} in {around!r}"
        assert any(value == token or value in token or token in value for _, value in found), around


@pytest.mark.parametrize(("kind", "form"), FORMS, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(FORMS)])
def test_the_form_shown_without_a_value_is_no_secret(kind: str, form: str) -> None:
    import re

    for filling in ("x", "X", "*", "0", "."):
        shown = re.sub(r"\{[a-zA-Z](\d+)\}", lambda part, one=filling: one * int(part[1]), form)
        assert [value for found, value in secrets_of(shown) if found == kind] == [], shown
    begun = form.partition("{")[0]
    assert secrets_of(f"it begins with {begun} and goes on") == []
    assert secrets_of(f"it begins with `{begun}...` and goes on") == []
    assert secrets_of(f"KEY={begun}<your-token-here>") == []
    assert secrets_of(f"KEY={begun}your_token_goes_here") == []


NO_TOKENS = [
    "sk-learn-contrib and sk-image-features-extraction-module",
    "pip install hf_transfer hf-hub-ctranslate2-extension",
    "npm_config_registry=https://npm.example npm_lifecycle_event=build",
    "the AKIA prefix and the ASIA prefix",
    "key-value-store-with-very-long-name-and-more",
    "EAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "secret_manager_client_for_the_whole_organisation_of_ours",
    "test_0123456789abcdef and live_streaming_is_a_feature_of_our_product_now",
    "pat.example.org pat_to_the_file sat.test",
    "re_compile_all_the_patterns_once = 1",
    "AKIAIOSFODNN7" + "EXAMPLE",
    "api-00000000-0000-0000-0000-000000000000",
    "ghp_notarealtoken",
    "SKU0123456789 SK-II SKIPPED_0123456789abcdef",
    "12345678:short and 10:30:45.123456789 and 1234567890:1234567890",
    "cio.example.org ciothreads",
    "fw_print_env_variables_of_the_board",
    "dapiVersion: v1",
    "oy2k is a radio station",
]


@pytest.mark.parametrize("text", NO_TOKENS)
def test_what_only_begins_like_a_token_is_none(text: str) -> None:
    assert secrets_of(text) == []


def test_our_own_keys_are_told_by_their_checksum() -> None:
    from tests.unit.guardrails.secret_values import own_key_fits

    body = "gh" + "-prod-" + drawn("{w32}")
    right = next(f"{body}{number:06}" for number in range(10**6) if own_key_fits(f"{body}{number:06}"))
    wrong = body + f"{(int(right[-6:]) + 1) % 10**6:06}"
    assert secrets_of(f"key {right}!") == [("GATEHOUSE", right)]
    assert secrets_of(f"key {wrong}!") == []
    assert secrets_of(f"key {right}a") == []
