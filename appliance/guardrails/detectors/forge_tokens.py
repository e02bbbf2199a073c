"""Tokens of source forges, package registries and build services, by their documented forms."""

from appliance.guardrails.pattern import Pattern
from appliance.guardrails.token_forms import DOTTED, Form, tokens

_GITLAB = (
    "glpat-",
    "gldt-",
    "glrt-",
    "glrtr-",
    "glcbt-",
    "glptt-",
    "glft-",
    "glimt-",
    "glagent-",
    "gloas-",
    "glsoat-",
    "glffct-",
    "glwt-",
)

PATTERNS: tuple[Pattern, ...] = (
    tokens(
        "forge_tokens",
        [
            *(Form("GITHUB", prefix, r"[0-9A-Za-z]{30,255}") for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
            Form("GITHUB", "github_pat_", r"[0-9A-Za-z_]{36,255}"),
            Form("GITLAB", "GR1348941", r"[0-9A-Za-z_-]{20,64}"),
            Form("BITBUCKET", "ATBB", r"[0-9A-Za-z]{24}[A-F0-9]{8}"),
            Form("BITBUCKET", "BBDC-", r"[0-9A-Za-z_-]{40,50}"),
            Form("NPM", "npm_", r"[0-9A-Za-z]{36}"),
            Form("PYPI", "pypi-", r"[0-9A-Za-z_-]{50,}"),
            Form("RUBYGEMS", "rubygems_", r"[0-9a-f]{48}"),
            Form("CRATES_IO", "cio", r"(?=[0-9A-Za-z]*[0-9])(?=[0-9A-Za-z]*[A-Z])[0-9A-Za-z]{32}", 0.7),
            Form("NUGET", "oy2", r"(?=[a-z]*[0-9])[a-z0-9]{43}"),
            Form("CLOJARS", "CLOJARS_", r"[0-9a-z]{60}"),
            Form("DOCKER", "dckr_pat_", r"[0-9A-Za-z_-]{24,36}"),
            Form("DOCKER", "dckr_oat_", r"[0-9A-Za-z_-]{24,40}"),
            Form("DOCKER", "SWMTKN-1-", r"[0-9a-z]{40,60}-[0-9a-z]{20,30}"),
            Form("DOCKER", "SWMKEY-1-", r"[0-9A-Za-z]{40,48}"),
            Form("ARTIFACTORY", "AKCp", r"[0-9A-Za-z]{60,75}"),
            Form("ARTIFACTORY", "cmVmdGtu", r"[0-9A-Za-z]{50,60}"),
            Form("SOURCEGRAPH", "sgp_", r"(?:local_|[0-9a-f]{16}_)?[0-9a-f]{40}"),
            Form("SOURCEGRAPH", "slk_", r"[0-9a-f]{64}"),
            *(Form("SONARQUBE", prefix, r"[0-9a-f]{40}") for prefix in ("squ_", "sqp_", "sqa_")),
            Form("CIRCLECI", "CCIPAT_", r"[0-9A-Za-z]{20,24}_[0-9a-f]{40}"),
            Form("CIRCLECI", "CCIPRJ_", r"[0-9A-Za-z]{20,24}_[0-9a-f]{40}"),
            Form("BUILDKITE", "bkua_", r"[0-9a-f]{40}"),
            Form("BUILDKITE", "bkct_", r"[0-9A-Za-z]{30,60}"),
            Form("OCTOPUS", "API-", r"(?=[A-Z]*[0-9])[A-Z0-9]{25,32}", 0.7),
            Form("INFRACOST", "ico-", r"(?=[a-zA-Z]*[0-9])[a-zA-Z0-9]{32}"),
            Form("PULUMI", "pul-", r"[0-9a-f]{40}"),
            Form("CODE_CLIMATE", "qltp_", r"[0-9a-zA-Z]{40}"),
        ],
    ),
    tokens(
        "forge_tokens_with_parts",
        [
            *(Form("GITLAB", prefix, r"[0-9A-Za-z_-]{18,64}(?:\.[0-9A-Za-z_-]{2,32}){0,2}") for prefix in _GITLAB),
            Form("GITLAB", "_gitlab_session=", r"[0-9A-Za-z]{32}"),
            Form("GITHUB", "ghs_", r"[0-9]{1,20}_eyJ[0-9A-Za-z_-]{15,}(?:\.[0-9A-Za-z_-]+){2}"),
            Form("BITBUCKET", "ATCTT3xFf", r"[0-9A-Za-z_-]{60,}(?:\\?=|%3[dD])?[0-9A-F]{0,8}"),
            Form("ATLASSIAN", "ATATT3xFf", r"[0-9A-Za-z_-]{60,}(?:\\?=|%3[dD])?[0-9A-F]{0,8}"),
            Form("ATLASSIAN", "ATSTT3xFf", r"[0-9A-Za-z_-]{60,}(?:\\?=|%3[dD])?[0-9A-F]{0,8}"),
            Form("HARNESS", "pat.", r"[0-9A-Za-z_-]{20,24}\.[0-9a-f]{24}\.[0-9A-Za-z]{20}"),
            Form("HARNESS", "sat.", r"[0-9A-Za-z_-]{20,24}\.[0-9a-f]{24}\.[0-9A-Za-z]{20}"),
        ],
        DOTTED,
    ),
)
