"""Azure OpenAI as it is on the wire, without the model: `python -m tests.fakes.azure` prints its port and serves.

    POST /openai/deployments/{deployment}/chat/completions|embeddings?api-version=YYYY-MM-DD
    POST /openai/v1/chat/completions|embeddings|responses        the deployment is the body's `model`

It answers as fakes/openai.py does; a deployment has the name of its model. The key comes as `api-key` (or Bearer). Without
api-version the first form is 404. Streams open with prompt_filter_results and no choices. A prompt with "violence" in it is
filtered. Errors are in Azure's shape: a code that is a text, no type.
"""

import json
import re
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

from tests.fakes.openai import CHAT_MODELS, EMBEDDING_MODELS, KEY_PREFIX, FakeOpenAI
from tests.fakes.openai_faults import fault_for, refuses
from tests.fakes.openai_rules import Refusal
from tests.fakes.wire import Exchange, run

DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)(/chat/completions|/embeddings)")
SAFE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
PROMPT_FILTER = [{"prompt_index": 0, "content_filter_results": SAFE}]
PREAMBLE = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": PROMPT_FILTER}
FILTERED = {
    "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry.",
    "type": None,
    "param": "prompt",
    "code": "content_filter",
    "status": 400,
    "innererror": {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {**SAFE, "violence": {"filtered": True, "severity": "medium"}},
    },
}


def error_body(code: str, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()


_SLOW_DOWN = error_body("429", "Requests have exceeded the call rate limit of your current tier. Please retry after 7 seconds.")
AZURE_FAULTS = {
    "fault-401": refuses(401, error_body("401", "Access denied due to invalid subscription key or wrong API endpoint.")),
    "fault-404": refuses(404, error_body("DeploymentNotFound", "The API deployment for this resource does not exist.")),
    "fault-429": refuses(429, _SLOW_DOWN, retry_after="7", retry_after_ms="6500"),
    "fault-429-later": refuses(429, _SLOW_DOWN, retry_after="2"),
    "fault-429-bare": refuses(429, _SLOW_DOWN),
    "fault-500": refuses(500, error_body("500", "The server had an error while processing your request.")),
    "fault-503": refuses(503, error_body("503", "The engine is currently overloaded."), retry_after="3"),
    "fault-refused": refuses(400, json.dumps({"error": FILTERED}).encode()),
}


class FakeAzure(FakeOpenAI):
    """The routes. One instance a process."""

    preamble = PREAMBLE
    annotations: ClassVar[dict[str, Any]] = {"content_filter_results": SAFE}

    async def handle(self, exchange: Exchange) -> None:
        path, _, query = exchange.seen.path.partition("?")
        if path == "/_faults":
            await super().handle(exchange)
            return
        try:
            self._check_azure_key(exchange.seen.headers)
            await self._route(exchange, path, parse_qs(query).get("api-version", [""])[0])
        except Refusal as refusal:
            error = refusal.body["error"]
            shown = error_body(str(error["code"] or refusal.status), str(error["message"]))
            await exchange.whole(refusal.status, json.dumps({"error": FILTERED}).encode() if error["code"] == "filter" else shown)

    def _check_azure_key(self, headers: dict[str, str]) -> None:
        key = headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if not key.startswith(KEY_PREFIX):
            raise Refusal(401, "Access denied due to invalid subscription key or wrong API endpoint.", code="401")

    async def _route(self, exchange: Exchange, path: str, version: str) -> None:
        seen = exchange.seen
        dated = DEPLOYMENT.fullmatch(path)
        body = dict(seen.json or {})
        if dated is not None and re.match(r"\d{4}-\d\d-\d\d", version):
            surface, body["model"] = dated[2], unquote(dated[1])
        elif path.startswith("/openai/v1/") and version in ("", "preview", "latest"):
            surface = path.removeprefix("/openai/v1")
        else:
            raise Refusal(404, "Resource not found", code="404")
        if "violence" in json.dumps(body.get("messages", "")):
            raise Refusal(400, "", code="filter")
        if surface.startswith("/responses"):
            await self._responses.handle(exchange, f"/v1{surface}", self.faults)
            return
        if self.fault(body.get("model", "")) is None and body.get("model") not in (*CHAT_MODELS, *EMBEDDING_MODELS):
            raise Refusal(404, "The API deployment for this resource does not exist.", code="DeploymentNotFound")
        await (self._chat if surface == "/chat/completions" else self._embeddings)(exchange, body, True)

    def fault(self, model: str) -> Any:
        name = self.faults.get(model, model)
        return AZURE_FAULTS.get(name) or fault_for(name)

    def _shared(self, body: dict[str, Any], kind: str) -> dict[str, Any]:
        more = {"prompt_filter_results": PROMPT_FILTER} if kind == "chat.completion" else {}
        return {**super()._shared(body, kind), **more}


if __name__ == "__main__":
    run(FakeAzure().handle)
