"""AWS Bedrock's runtime as it is on the wire, without the models: `python -m tests.fakes.bedrock` prints its port and serves.

POST /model/{id}/converse, /converse-stream and, for Titan, /invoke. Signatures and bearer keys are checked (bedrock_wire.py),
bodies against AWS's service model and what Claude refuses (bedrock_rules.py). The model's id chooses what happens:

    anthropic.claude-…, an ARN     "You said: <the last thing said>"; tools named in it are called, all of them at once
    words-N, words-N-every-M       an answer of N words, M milliseconds apart
    cached-…                       tells of 100 tokens read from the prompt cache and 7 written
    fault-…, fault-slow-N          see bedrock_faults.py

Thinking gives a block with a signature, which is checked when it comes back. `GET /_seen` tells what came; `POST /_faults` as in
tests/fakes/openai.py.
"""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import unquote

from tests.fakes.bedrock_faults import FAULTS, slow
from tests.fakes.bedrock_rules import check_claude, check_converse, check_shape
from tests.fakes.bedrock_wire import EVENT_STREAM, Refusal, check_credential, event, invalid
from tests.fakes.openai import WORDS, embedding
from tests.fakes.openai_rules import instance_of
from tests.fakes.wire import Exchange, run

CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456"
NOVA = "amazon.nova-lite-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
MODELS = (CLAUDE, f"us.{CLAUDE}", PROFILE, NOVA, "cached-claude")
PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke)")
OPERATIONS = {"converse": "Converse", "converse-stream": "ConverseStream"}
SLOW = re.compile(r"fault-slow-(\d+)")
DIMENSIONS = (256, 512, 1024)


class FakeBedrock:
    """The routes. One instance a process."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}

    async def handle(self, exchange: Exchange) -> None:
        seen = exchange.seen
        if seen.path == "/_faults":
            self.faults = seen.json or {}
            await exchange.whole(200, b"{}")
            return
        try:
            found = PATH.fullmatch(seen.path)
            if found is None or seen.method != "POST":
                raise Refusal(404, "UnknownOperationException", "")
            check_credential(seen)
            await self._answer(exchange, unquote(found[1]), found[2])
        except Refusal as refusal:
            await exchange.whole(refusal.status, refusal.body, refusal.headers)

    async def _answer(self, exchange: Exchange, model: str, operation: str) -> None:
        body = exchange.seen.json
        fault = self.faults.get(model, model)
        if SLOW.fullmatch(fault) or fault in FAULTS:
            slowly = SLOW.fullmatch(fault)
            answer = slow(int(slowly[1]) / 1000) if slowly else FAULTS[fault]
            await answer(exchange, operation == "converse-stream")
            return
        if not isinstance(body, dict):
            raise invalid("Malformed input request, please reformat your input and try again.")
        if operation == "invoke":
            await exchange.whole(200, _embedded(model, body))
            return
        check_shape(body, OPERATIONS[operation])
        check_converse(body)
        if model not in MODELS and not WORDS.fullmatch(model):
            raise invalid("The provided model identifier is invalid.")
        if model != NOVA:
            check_claude(body)
        said = _Said(body, model)
        if operation == "converse":
            await exchange.whole(200, json.dumps(said.whole()).encode(), {"x-amzn-requestid": "fake-0001"})
            return
        await exchange.head(200, EVENT_STREAM)
        for piece in said.events():
            await exchange.chunked(piece)
            if said.seconds_between:
                await exchange.pause(said.seconds_between)
        await exchange.chunked_end()


class _Said:
    """What the model 'says'."""

    def __init__(self, body: dict[str, Any], model: str) -> None:
        words = WORDS.fullmatch(model)
        self.seconds_between = int(words[2] or 0) / 1000 if words else 0
        text, images, tokens = _heard(body)
        self.blocks: list[dict[str, Any]] = []
        self.stop, self.fields = "end_turn", {}
        fields = body.get("additionalModelRequestFields") or {}
        if "thinking" in fields or "reasoningConfig" in fields:
            thought = f"The user said {len(text)} characters."
            self.blocks.append({"reasoningContent": {"reasoningText": {"text": thought, "signature": proof(thought)}}})
        calls = [] if words else _calls(body, text)
        if calls:
            self.stop = "tool_use"
            self.blocks += [{"text": "I'll look."}, *calls]
        else:
            self.blocks.append({"text": self._text(body, text, images, words)})
        tokens_out = sum(len(json.dumps(block).split()) for block in self.blocks)
        self.usage = {"inputTokens": tokens, "outputTokens": tokens_out, "totalTokens": tokens + tokens_out}
        if model.startswith("cached-"):
            self.usage |= {"cacheReadInputTokens": 100, "cacheWriteInputTokens": 7}
            self.usage["totalTokens"] += 107

    def _text(self, body: dict[str, Any], heard: str, images: int, words: re.Match[str] | None) -> str:
        schema = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure", {}).get("jsonSchema")
        if words:
            text = " ".join(f"word{number}" for number in range(int(words[1])))
        elif schema:
            text = json.dumps(instance_of(json.loads(schema["schema"])))
        else:
            text = f"You said: {heard}" + (f" (with {images} image)" if images else "")
        config = body.get("inferenceConfig") or {}
        places = [(at, stop) for stop in config.get("stopSequences") or () if (at := text.find(stop)) >= 0]
        if places:
            at, stop = min(places)
            self.stop = "stop_sequence"
            if "/stop_sequence" in (body.get("additionalModelResponseFieldPaths") or ()):
                self.fields = {"stop_sequence": stop}
            return text[:at]
        pieces = re.findall(r"\s*\S+", text)
        if config.get("maxTokens", len(pieces)) < len(pieces):
            self.stop = "max_tokens"
            return "".join(pieces[: config["maxTokens"]])
        return text

    def whole(self) -> dict[str, Any]:
        fields = {"additionalModelResponseFields": self.fields} if self.fields else {}
        message = {"role": "assistant", "content": self.blocks}
        metrics = {"latencyMs": 12}
        return {"output": {"message": message}, "stopReason": self.stop, "usage": self.usage, "metrics": metrics, **fields}

    def events(self) -> list[bytes]:
        found = [event("messageStart", role="assistant")]
        for index, block in enumerate(self.blocks):
            found += _block_events(index, block)
            found.append(event("contentBlockStop", contentBlockIndex=index))
        fields = {"additionalModelResponseFields": self.fields} if self.fields else {}
        found.append(event("messageStop", stopReason=self.stop, **fields))
        found.append(event("metadata", usage=self.usage, metrics={"latencyMs": 12}))
        return found


def _block_events(index: int, block: dict[str, Any]) -> list[bytes]:
    def delta(**members: Any) -> bytes:
        return event("contentBlockDelta", contentBlockIndex=index, delta=members)

    if "text" in block:
        return [delta(text=piece) for piece in re.findall(r"\s*\S+\s*$|\s*\S+", block["text"])]
    if "reasoningContent" in block:
        thought = block["reasoningContent"]["reasoningText"]
        pieces = [delta(reasoningContent={"text": piece}) for piece in re.findall(r"\s*\S+", thought["text"])]
        return [*pieces, delta(reasoningContent={"signature": thought["signature"]})]
    call = block["toolUse"]
    start = {"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}}
    text = json.dumps(call["input"]) if call["input"] else ""  # no arguments, no pieces
    pieces = [delta(toolUse={"input": text[at : at + 6]}) for at in range(0, len(text), 6)]
    return [event("contentBlockStart", contentBlockIndex=index, start=start), *pieces]


def proof(thought: str) -> str:
    return base64.b64encode(hashlib.sha256(b"fake" + thought.encode()).digest()).decode()


def _heard(body: dict[str, Any]) -> tuple[str, int, int]:
    """(the last text, the images beside it, tokens of all: a word each, four a message). Errors: Refusal for a forged thought."""
    text, images, tokens = "", 0, 0
    for block in body.get("system") or ():
        tokens += len(block["text"].split())
    for message in body["messages"]:
        content = [inner for block in message["content"] for inner in block.get("toolResult", {}).get("content", [block])]
        text = " ".join(block["text"] for block in content if "text" in block)
        images = sum("image" in block for block in content)
        tokens += 4 + len(text.split()) + 85 * images
        for block in content:
            thought = block.get("reasoningContent", {}).get("reasoningText")
            if thought and thought.get("signature") != proof(thought["text"]):
                raise invalid("The model returned the following errors: messages: Invalid `signature` in `thinking` block")
    return text, images, tokens


def _calls(body: dict[str, Any], heard: str) -> list[dict[str, Any]]:
    config = body.get("toolConfig") or {"tools": []}
    specs = [tool["toolSpec"] for tool in config["tools"]]
    choice = config.get("toolChoice") or {"auto": {}}
    told_not_to = any("Don't call any tool" in block["text"] for block in body.get("system") or ())
    if "tool" in choice:
        wanted = [spec for spec in specs if spec["name"] == choice["tool"]["name"]]
    elif "any" in choice:
        wanted = specs[:1]
    else:
        answered = "toolResult" in body["messages"][-1]["content"][0]
        wanted = [] if answered or told_not_to else [spec for spec in specs if spec["name"] in heard]
    return [
        {
            "toolUse": {
                "toolUseId": f"tooluse_fake{at:04d}",
                "name": spec["name"],
                "input": instance_of(spec["inputSchema"]["json"]),
            }
        }
        for at, spec in enumerate(wanted)
    ]


def _embedded(model: str, body: dict[str, Any]) -> bytes:
    if model != TITAN:
        raise invalid("The provided model identifier is invalid.")
    unknown = set(body) - {"inputText", "dimensions", "normalize", "embeddingTypes"}
    dimensions = body.get("dimensions", 1024)
    if unknown or not body.get("inputText", "").strip() or dimensions not in DIMENSIONS:
        raise invalid(f"Malformed input request: {sorted(unknown) or 'inputText, dimensions'}, please reformat your input.")
    text = body["inputText"]
    return json.dumps({"embedding": embedding(text, dimensions), "inputTextTokenCount": len(text.split())}).encode()


if __name__ == "__main__":
    run(FakeBedrock().handle)
