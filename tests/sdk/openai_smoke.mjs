// The official `openai` package for Node, unchanged but for its baseURL: prints what it got as one line of JSON.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries: 0 });
const model = process.env.MODEL;
const messages = [{ role: "user", content: "Hello there" }];
const got = {};

got.whole = (await client.chat.completions.create({ model, messages })).choices[0].message.content;

const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } });
got.streamed = "";
for await (const chunk of stream) {
  got.streamed += chunk.choices[0]?.delta?.content ?? "";
  if (chunk.usage) got.usage = chunk.usage.total_tokens;
}

const tools = [{ type: "function", function: { name: "add", parameters: { type: "object", properties: { a: { type: "integer" } } } } }];
const called = await client.chat.completions.create({ model, messages, tools, tool_choice: "required" });
got.tool = called.choices[0].message.tool_calls[0].function;

const vectors = await client.embeddings.create({ model: process.env.EMBEDDING_MODEL, input: "one", dimensions: 4 });
got.embedding = Array.from(vectors.data[0].embedding);

got.models = [];
for await (const one of client.models.list()) got.models.push(one.id);

for (const [name, body, key] of [
  ["unknown", { model: "nobody", messages }, undefined],
  ["limited", { model: process.env.LIMITED_MODEL, messages }, undefined],
  ["stranger", { model, messages }, "sk-wrong"],
]) {
  try {
    await (key ? client.withOptions({ apiKey: key }) : client).chat.completions.create(body);
    got[name] = "no error";
  } catch (error) {
    got[name] = [error.constructor.name, error.status, error.code];
  }
}

try {
  for await (const _ of await client.chat.completions.create({ model: process.env.CUT_MODEL, messages, stream: true }));
  got.cut = "ended as if whole";
} catch (error) {
  got.cut = error.code;
}

console.log(JSON.stringify(got));
