// The Vercel AI SDK with its providers for OpenAI, Anthropic and Google.
//
// Usage and output as in common.py.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, jsonSchema, Output, streamText, tool } from "ai";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const [root, apiKey, file] = process.argv.slice(2);
const told = JSON.parse(readFileSync(file, "utf8"));
globalThis.AI_SDK_LOG_WARNINGS = false;

const openai = createOpenAI({ baseURL: `${root}/v1`, apiKey });
const anthropic = createAnthropic({ baseURL: `${root}/v1`, apiKey });
const google = createGoogleGenerativeAI({ baseURL: `${root}/v1beta`, apiKey });

const tools = Object.fromEntries(
  told.tools.map(({ name, description, parameters }) => [
    name,
    tool({ description, inputSchema: jsonSchema(parameters), execute: async () => told.result }),
  ]),
);
// Unless it is told that nothing is stored, its provider for OpenAI refers to earlier turns by their ids there, which
// no other provider knows. Without the mode for Anthropic, models that it does not know by name are asked for
// structured output by way of a tool.
const providerOptions = { openai: { store: false }, anthropic: { structuredOutputMode: "outputFormat" } };
const basics = {
  instructions: told.system,
  prompt: told.question,
  maxRetries: 0,
  maxOutputTokens: 1000,
  providerOptions,
};
const calls = (step) => step.toolCalls.map(({ toolName, input }) => ({ name: toolName, arguments: input }));

async function streamed(asked) {
  let failure;
  const result = streamText({ ...basics, ...asked, onError: ({ error }) => (failure = error) });
  let text = "";
  for await (const part of result.textStream) text += part;
  if (failure) throw failure;
  return { text, steps: await result.steps, usage: await result.usage };
}

const asks = {
  async plain(model, expected) {
    const { text, usage } = await generateText({ ...basics, model });
    assert.equal(text, expected.text);
    if (expected.usage) assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0, JSON.stringify(usage));
  },
  async stream(model, expected) {
    const { text, usage } = await streamed({ model });
    assert.equal(text, expected.text);
    if (expected.usage) assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0, JSON.stringify(usage));
  },
  async tools(model, expected) {
    const { steps, text } = await generateText({ ...basics, model, tools, stopWhen: isStepCount(2) });
    assert.deepEqual(calls(steps[0]), expected.calls);
    assert.equal(text, expected.then);
  },
  async "streamed-tools"(model, expected) {
    const { steps } = await streamed({ model, tools, stopWhen: isStepCount(2) });
    assert.deepEqual(calls(steps[0]), expected.calls);
    assert.equal(steps[1].text, expected.then);
  },
  async image(model, expected) {
    const content = [
      { type: "text", text: told.question },
      { type: "file", data: Buffer.from(told.image, "base64"), mediaType: "image/png" },
    ];
    const { text } = await generateText({ model, messages: [{ role: "user", content }], maxRetries: 0, providerOptions });
    assert.equal(text, expected.text);
  },
  async structured(model, expected) {
    const output = Output.object({ schema: jsonSchema(told.schema), name: "joke" });
    const result = await generateText({ ...basics, model, output });
    assert.deepEqual(result.output, JSON.parse(expected.text));
  },
};

const then = { tools: "plain", "streamed-tools": "stream" };

async function run(caller, make, speaks) {
  for (const [provider, byAsk] of Object.entries(told.expected)) {
    for (const [ask, answers] of Object.entries(byAsk)) {
      const pick = (answers) => answers[speaks] ?? answers.default;
      const expected = { ...pick(answers), then: then[ask] && pick(byAsk[then[ask]]).text };
      let result = "ok";
      try {
        await asks[ask](make(`${provider}.${ask}`), expected);
      } catch (error) {
        const said = `${error.message} ${error.responseBody ?? ""}`;
        const field = /Unsupported parameter: '([^']+)'/.exec(said)?.[1]?.replace(/\[\d+\]/g, "[]");
        result = field ? `refused ${field}` : `wrong: ${error.stack} ${error.responseBody ?? ""}`;
      }
      console.log(JSON.stringify([caller, provider, ask, result]));
    }
  }
}

await run("AI SDK, openai (responses)", (model) => openai(model), "responses");
await run("AI SDK, openai (chat)", (model) => openai.chat(model), "chat");
await run("AI SDK, anthropic", (model) => anthropic(model), "messages");
await run("AI SDK, google", (model) => google(model), "gemini");
