"""Anthropic's own SDK."""

import json

import anthropic
from common import IMAGE, QUESTION, RESULT, SCHEMA, SYSTEM, TOOLS, key, root, run

client = anthropic.Anthropic(base_url=root, api_key=key, max_retries=0)
MESSAGES = [{"role": "user", "content": QUESTION}]
ASKED = {"max_tokens": 1000, "system": SYSTEM}
OWN_TOOLS = [
    {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]} for tool in TOOLS
]


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def plain(model, expected):
    message = client.messages.create(model=model, messages=MESSAGES, **ASKED)
    expected.said(text_of(message))
    expected.counted(lambda: (message.usage.input_tokens, message.usage.output_tokens))


def stream(model, expected):
    with client.messages.stream(model=model, messages=MESSAGES, **ASKED) as events:
        expected.said("".join(events.text_stream))
        message = events.get_final_message()
    expected.said(text_of(message))
    expected.counted(lambda: (message.usage.input_tokens, message.usage.output_tokens))


def after(message, expected):
    calls = [block for block in message.content if block.type == "tool_use"]
    expected.called([(call.name, call.input) for call in calls])
    assert message.stop_reason == "tool_use", message.stop_reason
    given = [{"type": "tool_result", "tool_use_id": call.id, "content": RESULT} for call in calls]
    return [*MESSAGES, {"role": "assistant", "content": message.content}, {"role": "user", "content": given}]


def tools(model, expected):
    asked = {"model": model, "tools": OWN_TOOLS, **ASKED}
    messages = after(client.messages.create(messages=MESSAGES, **asked), expected)
    expected.said_then(text_of(client.messages.create(messages=messages, **asked)))


def streamed_tools(model, expected):
    asked = {"model": model, "tools": OWN_TOOLS, **ASKED}
    with client.messages.stream(messages=MESSAGES, **asked) as events:
        messages = after(events.get_final_message(), expected)
    with client.messages.stream(messages=messages, **asked) as events:
        expected.said_then(text_of(events.get_final_message()))


def image(model, expected):
    source = {"type": "base64", "media_type": "image/png", "data": IMAGE}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": QUESTION}]
    expected.said(text_of(client.messages.create(model=model, messages=[{"role": "user", "content": parts}], **ASKED)))


def structured(model, expected):
    output = {"format": {"type": "json_schema", "schema": SCHEMA}}
    message = client.messages.create(model=model, messages=MESSAGES, output_config=output, **ASKED)
    expected.fits(json.loads(text_of(message)))


run(
    "anthropic (Python)",
    {
        "plain": plain,
        "stream": stream,
        "tools": tools,
        "streamed-tools": streamed_tools,
        "image": image,
        "structured": structured,
    },
    speaks="messages",
)
