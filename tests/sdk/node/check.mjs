// The official Node SDK against a running gateway.
//
// Usage: node check.mjs BASE_URL KEY BROKEN_BASE_URL BROKEN_KEY
//
// The first gateway serves examples/quickstart; the second breaks every stream midway.

import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, apiKey, brokenBaseURL, brokenKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello?" }];
const TEXT = "Hello from Weir. No provider was called, and nothing was spent.";

async function collect(stream, text) {
  let all = "";
  for await (const chunk of stream) all += chunk.choices[0] ? (text(chunk.choices[0]) ?? "") : "";
  return all;
}

const checks = {
  async plain() {
    const { data, response } = await client.chat.completions
      .create({ model: "fast", messages })
      .withResponse();
    assert.equal(data.choices[0].message.content, TEXT);
    assert.equal(data.choices[0].finish_reason, "stop");
    assert.equal(response.headers.get("x-weir-route"), "quickstart/chat");
    assert.equal(response.headers.get("x-weir-provider"), "quickstart/mock");
    assert.equal(data._request_id, response.headers.get("x-request-id"));
  },

  async streamed() {
    const stream = await client.chat.completions.create({
      model: "gpt-anything",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const texts = chunks.map((chunk) => chunk.choices[0]?.delta.content).filter(Boolean);
    assert.equal(texts.join(""), TEXT);
    assert.equal(texts.length, 3);
    assert.ok(chunks.at(-1).usage.completion_tokens > 0);
  },

  async atOnce() {
    const one = async () => {
      const stream = await client.chat.completions.create({ model: "fast", messages, stream: true });
      return collect(stream, (choice) => choice.delta.content);
    };
    const all = await Promise.all(Array.from({ length: 10 }, one));
    assert.deepEqual(all, Array(10).fill(TEXT));
  },

  async completions() {
    const answer = await client.completions.create({ model: "fast", prompt: "Once upon" });
    assert.equal(answer.choices[0].text, TEXT);
    const stream = await client.completions.create({ model: "fast", prompt: "Once upon", stream: true });
    assert.equal(await collect(stream, (choice) => choice.text), TEXT);
  },

  async embeddings() {
    const { data } = await client.embeddings.create({ model: "fast", input: ["one", "two"] });
    assert.ok(data[0].embedding.length > 1);
    assert.equal(data[0].embedding.length, data[1].embedding.length);
    assert.notDeepEqual(data[0].embedding, data[1].embedding);
  },

  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.deepEqual(ids, ["fast"]);
    assert.equal((await client.models.retrieve("fast")).object, "model");
  },

  async tools() {
    const tool = {
      type: "function",
      function: {
        name: "weather",
        parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
      },
    };
    const answer = await client.chat.completions.create({
      model: "fast",
      messages,
      tools: [tool],
      tool_choice: { type: "function", function: { name: "weather" } },
    });
    const [call] = answer.choices[0].message.tool_calls;
    assert.equal(call.function.name, "weather");
    assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ["city"]);
  },

  async errors() {
    const wrong = new OpenAI({ baseURL, apiKey: "nobodys", maxRetries: 0 });
    const is = (kind, status, code) => (error) => {
      assert.ok(error instanceof kind, `${error}`);
      assert.deepEqual([error.status, error.code, error.type], [status, code, "invalid_request_error"]);
      assert.ok(error.requestID);
      return true;
    };
    await assert.rejects(
      wrong.chat.completions.create({ model: "fast", messages }),
      is(OpenAI.AuthenticationError, 401, "invalid_api_key"),
    );
    await assert.rejects(
      client.chat.completions.create({ model: "nowhere", messages }),
      is(OpenAI.NotFoundError, 404, "model_not_found"),
    );
    await assert.rejects(
      client.models.retrieve("nowhere"),
      is(OpenAI.NotFoundError, 404, "model_not_found"),
    );
  },

  async brokenStream() {
    const broken = new OpenAI({ baseURL: brokenBaseURL, apiKey: brokenKey, maxRetries: 0 });
    const stream = await broken.chat.completions.create({ model: "fast", messages, stream: true });
    let chunks = 0;
    await assert.rejects(
      async () => {
        for await (const _ of stream) chunks += 1;
      },
      (error) => error instanceof OpenAI.APIError && error.code === "provider_broken",
    );
    assert.ok(chunks > 1);
  },

  // A caller that stops reading aborts the request; nothing is left that would keep Node alive.
  async aborted() {
    const stream = await client.chat.completions.create({ model: "fast", messages, stream: true });
    for await (const _ of stream) break;
    assert.ok(stream.controller.signal.aborted);
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log("ok", name);
}
