"""AWS's own SDK: Bedrock's Converse and ConverseStream, with a key of Weir's as a Bedrock API key."""

import json
import os

from common import IMAGE_BYTES, QUESTION, RESULT, SCHEMA, SYSTEM, TOOLS, key, root, run

os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
if root.startswith("https://"):
    os.environ["AWS_BEARER_TOKEN_BEDROCK"] = key
else:
    # The SDK sends no such key without TLS: this is Bedrock itself as the test plays it, which takes signatures.
    os.environ.update(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY=key)

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402

config = Config(retries={"total_max_attempts": 1})
client = boto3.client("bedrock-runtime", endpoint_url=root, region_name="us-east-1", config=config)
MESSAGES = [{"role": "user", "content": [{"text": QUESTION}]}]
ASKED = {"system": [{"text": SYSTEM}], "inferenceConfig": {"maxTokens": 1000}}
SPECS = [
    {
        "toolSpec": {
            "name": tool["name"],
            "description": tool["description"],
            "inputSchema": {"json": tool["parameters"]},
        }
    }
    for tool in TOOLS
]


def text_of(answer):
    return "".join(block.get("text", "") for block in answer["output"]["message"]["content"])


def plain(model, expected):
    answer = client.converse(modelId=model, messages=MESSAGES, **ASKED)
    expected.said(text_of(answer))
    expected.counted(lambda: (answer["usage"]["inputTokens"], answer["usage"]["outputTokens"]))


def collect(**asked):
    """The message that a stream makes up."""
    blocks, ended, usage = {}, None, None
    for event in client.converse_stream(**asked, **ASKED)["stream"]:
        if "contentBlockStart" in event:
            start = event["contentBlockStart"]
            blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
        elif "contentBlockDelta" in event:
            index, delta = event["contentBlockDelta"]["contentBlockIndex"], event["contentBlockDelta"]["delta"]
            if "text" in delta:
                blocks.setdefault(index, {"text": ""})["text"] += delta["text"]
            elif "toolUse" in delta:
                blocks[index]["toolUse"]["input"] += delta["toolUse"]["input"]
        elif "messageStop" in event:
            ended = event["messageStop"]["stopReason"]
        elif "metadata" in event:
            usage = event["metadata"]["usage"]
    assert ended and "totalTokens" in usage, (ended, usage)
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return [block for _, block in sorted(blocks.items()) if block != {"text": ""}]


def said_in(blocks):
    return "".join(block.get("text", "") for block in blocks)


def stream(model, expected):
    expected.said(said_in(collect(modelId=model, messages=MESSAGES)))


def after(blocks, expected):
    calls = [block["toolUse"] for block in blocks if "toolUse" in block]
    expected.called([(call["name"], call["input"]) for call in calls])
    given = [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": RESULT}]}} for call in calls]
    return [*MESSAGES, {"role": "assistant", "content": blocks}, {"role": "user", "content": given}]


def tools(model, expected):
    asked = {"modelId": model, "toolConfig": {"tools": SPECS}, **ASKED}
    messages = after(client.converse(messages=MESSAGES, **asked)["output"]["message"]["content"], expected)
    expected.said_then(text_of(client.converse(messages=messages, **asked)))


def streamed_tools(model, expected):
    asked = {"modelId": model, "toolConfig": {"tools": SPECS}}
    messages = after(collect(messages=MESSAGES, **asked), expected)
    expected.said_then(said_in(collect(messages=messages, **asked)))


def image(model, expected):
    blocks = [{"text": QUESTION}, {"image": {"format": "png", "source": {"bytes": IMAGE_BYTES}}}]
    expected.said(text_of(client.converse(modelId=model, messages=[{"role": "user", "content": blocks}], **ASKED)))


def structured(model, expected):
    schema = {"jsonSchema": {"schema": json.dumps(SCHEMA), "name": "joke"}}
    output = {"textFormat": {"type": "json_schema", "structure": schema}}
    answer = client.converse(modelId=model, messages=MESSAGES, outputConfig=output, **ASKED)
    expected.fits(json.loads(text_of(answer)))


run(
    "boto3, Bedrock Converse",
    {
        "plain": plain,
        "stream": stream,
        "tools": tools,
        "streamed-tools": streamed_tools,
        "image": image,
        "structured": structured,
    },
    speaks="converse",
)
