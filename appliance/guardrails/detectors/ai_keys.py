"""Keys of the vendors of models and of what stands around them."""

from appliance.guardrails.pattern import Pattern
from appliance.guardrails.token_forms import DOTTED, Form, tokens

_MIXED = r"(?=[A-Za-z_-]*[0-9])"
_CASES = r"(?=[0-9A-Z_-]*[a-z])(?=[0-9a-z_-]*[A-Z])"

PATTERNS: tuple[Pattern, ...] = (
    tokens(
        "ai_keys",
        [
            Form("ANTHROPIC", "sk-ant-", r"(?:[a-z]{2,8}[0-9]{2}-)?[0-9A-Za-z_-]{32,200}"),
            *(
                Form("OPENAI", prefix, r"[0-9A-Za-z_-]{30,250}")
                for prefix in ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-")
            ),
            Form("OPENROUTER", "sk-or-v1-", r"[0-9a-f]{48,64}"),
            Form("LANGFUSE", "sk-lf-", r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
            Form("OPENAI", "sk-", r"(?:[0-9A-Za-z]{1,24}-)?[0-9A-Za-z]{10,60}T3BlbkFJ[0-9A-Za-z]{10,100}"),
            Form("AI_VENDOR", "sk-", r"[0-9a-f]{32,64}", 0.85),
            Form("AI_VENDOR", "sk-", rf"{_MIXED}{_CASES}(?:[0-9A-Za-z]{{2,12}}-)?[0-9A-Za-z]{{32,200}}", 0.8),
            Form("AI_VENDOR", "sk-", rf"{_MIXED}{_CASES}[0-9A-Za-z]{{20,31}}", 0.7),
            Form("AI_VENDOR", "sk-", r"(?=[0-9a-z]*[a-z])(?=[a-z]*[0-9])[0-9a-z]{40,64}", 0.7),
            Form("ELEVENLABS", "sk_", r"[0-9a-f]{48}"),
            Form("HUGGING_FACE", "hf_", rf"{_CASES}[0-9A-Za-z]{{30,40}}"),
            Form("HUGGING_FACE", "api_org_", rf"{_CASES}[0-9A-Za-z]{{30,40}}"),
            Form("REPLICATE", "r8_", rf"{_CASES}[0-9A-Za-z]{{32,40}}"),
            Form("GROQ", "gsk_", rf"{_CASES}[0-9A-Za-z]{{40,64}}"),
            Form("CEREBRAS", "csk-", r"[0-9a-z]{40,64}"),
            Form("PERPLEXITY", "pplx-", r"[0-9A-Za-z]{32,64}"),
            Form("XAI", "xai-", r"[0-9A-Za-z_-]{60,100}"),
            Form("FIREWORKS", "fw_", rf"{_CASES}[0-9A-Za-z]{{20,32}}", 0.8),
            Form("TOGETHER", "tgp_v1_", r"[0-9A-Za-z_-]{40,48}"),
            Form("LLAMA_CLOUD", "llx-", r"[0-9A-Za-z_-]{40,60}"),
            Form("TAVILY", "tvly-", r"[0-9A-Za-z_-]{28,60}"),
            Form("LANGSMITH", "lsv2_", r"(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
            Form("LANGSMITH", "ls__", r"[0-9a-f]{32}"),
            Form("NVIDIA", "nvapi-", r"[0-9A-Za-z_-]{48,80}"),
            Form("VOYAGE", "pa-", rf"{_MIXED}{_CASES}[0-9A-Za-z_-]{{43}}", 0.75),
            Form("JINA", "jina_", r"[0-9A-Za-z_-]{50,72}"),
            Form("PINECONE", "pcsk_", r"[0-9A-Za-z]{4,8}_[0-9A-Za-z]{40,72}"),
            Form("ANYSCALE", "esecret_", r"[0-9A-Za-z]{20,48}"),
            Form("FIRECRAWL", "fc-", r"[0-9a-f]{32}"),
            Form("E2B", "e2b_", r"[0-9a-f]{40}"),
            Form("WANDB", "wandb_v1_", r"[0-9A-Za-z_]{40,100}"),
            Form("BEDROCK", "ABSK", r"[0-9A-Za-z]{80,200}"),
            Form("GOOGLE_API", "AIza", r"[0-9A-Za-z_-]{35}"),
        ],
    ),
    tokens(
        "ai_keys_with_parts",
        [
            Form("BEDROCK", "ABSK", r"[0-9A-Za-z+/]{100,240}={0,2}"),
            Form("BEDROCK", "bedrock-api-key-", r"[0-9A-Za-z+/]{28,800}={0,2}"),
            Form("GOOGLE_API", "AQ.", r"Ab[0-9A-Za-z_-]{40,60}"),
            Form("BAIDU", "bce-v3/ALTAK-", r"[0-9A-Za-z]{16,24}/[0-9a-f]{40}"),
        ],
        DOTTED,
    ),
)
