"""Cohere's own SDK, version 2 of its API."""

import json

import cohere
from common import IMAGE_URL, QUESTION, RESULT, SCHEMA, SYSTEM, TOOLS, key, root, run

client = cohere.ClientV2(api_key=key, base_url=root)
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
OWN_TOOLS = [{"type": "function", "function": tool} for tool in TOOLS]


def text_of(answer):
    return "".join(part.text for part in answer.message.content or [] if part.type == "text")


def plain(model, expected):
    answer = client.chat(model=model, messages=MESSAGES, max_tokens=1000)
    expected.said(text_of(answer))
    expected.counted(lambda: (answer.usage.tokens.input_tokens, answer.usage.tokens.output_tokens))


def collect(**asked):
    text, calls, ended = "", [], False
    for event in client.chat_stream(**asked):
        if event.type == "content-delta":
            text += event.delta.message.content.text or ""
        elif event.type == "tool-call-start":
            calls.append(event.delta.message.tool_calls)
        elif event.type == "tool-call-delta":
            calls[-1].function.arguments += event.delta.message.tool_calls.function.arguments or ""
        elif event.type == "message-end":
            ended = event.delta.finish_reason
    assert ended, "no message-end"
    return text, calls


def stream(model, expected):
    text, _ = collect(model=model, messages=MESSAGES)
    expected.said(text)


def after(calls, expected):
    expected.called([(call.function.name, call.function.arguments) for call in calls])
    said = {"role": "assistant", "tool_calls": calls}
    given = [{"role": "tool", "tool_call_id": call.id, "content": RESULT} for call in calls]
    return [*MESSAGES, said, *given]


def tools(model, expected):
    asked = {"model": model, "tools": OWN_TOOLS}
    messages = after(client.chat(messages=MESSAGES, **asked).message.tool_calls, expected)
    expected.said_then(text_of(client.chat(messages=messages, **asked)))


def streamed_tools(model, expected):
    asked = {"model": model, "tools": OWN_TOOLS}
    _, calls = collect(messages=MESSAGES, **asked)
    text, _ = collect(messages=after(calls, expected), **asked)
    expected.said_then(text)


def image(model, expected):
    parts = [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": IMAGE_URL}}]
    expected.said(text_of(client.chat(model=model, messages=[{"role": "user", "content": parts}])))


def structured(model, expected):
    asked = {"type": "json_object", "schema": SCHEMA}
    answer = client.chat(model=model, messages=MESSAGES, response_format=asked)
    expected.fits(json.loads(text_of(answer)))


run(
    "cohere (Python)",
    {
        "plain": plain,
        "stream": stream,
        "tools": tools,
        "streamed-tools": streamed_tools,
        "image": image,
        "structured": structured,
    },
    speaks="cohere",
)
