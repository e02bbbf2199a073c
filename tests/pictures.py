"""Pictures that are some: what guardrails can't read they stop."""

PIXEL_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # base64
PIXEL = f"data:image/png;base64,{PIXEL_PNG}"
