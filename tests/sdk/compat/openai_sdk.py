"""OpenAI's own SDK: chat completions and responses."""

import openai
from common import IMAGE_URL, QUESTION, RESULT, SYSTEM, TOOLS, key, root, run
from pydantic import BaseModel

client = openai.OpenAI(base_url=root + "/v1", api_key=key, max_retries=0)
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
CHAT_TOOLS = [{"type": "function", "function": tool} for tool in TOOLS]


class Joke(BaseModel):
    joke: str
    rating: int


def plain(model, expected):
    answer = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=1000)
    expected.said(answer.choices[0].message.content)
    expected.counted(lambda: (answer.usage.prompt_tokens, answer.usage.completion_tokens))


def collect(**asked):
    text, calls, last = "", [], None
    for chunk in client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **asked):
        last = chunk
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                if call.index == len(calls):
                    calls.append({"id": call.id, "type": "function", "function": {"name": "", "arguments": ""}})
                    # Extra fields of a call are its own, and come back as they are.
                    calls[-1].update(call.model_extra or {})
                function = calls[call.index]["function"]
                function["name"] += call.function.name or ""
                function["arguments"] += call.function.arguments or ""
    return text, calls, last.usage


def stream(model, expected):
    text, _, usage = collect(model=model, messages=MESSAGES)
    expected.said(text)
    expected.counted(lambda: (usage.prompt_tokens, usage.completion_tokens))


def results(calls):
    return [{"role": "tool", "tool_call_id": call["id"], "content": RESULT} for call in calls]


def tools(model, expected):
    asked = {"model": model, "tools": CHAT_TOOLS, "tool_choice": "auto"}
    message = client.chat.completions.create(messages=MESSAGES, **asked).choices[0].message
    said = message.model_dump(exclude_none=True)
    calls = said["tool_calls"]
    expected.called([(call["function"]["name"], call["function"]["arguments"]) for call in calls])
    answer = client.chat.completions.create(messages=[*MESSAGES, said, *results(calls)], **asked)
    expected.said_then(answer.choices[0].message.content)


def streamed_tools(model, expected):
    asked = {"model": model, "tools": CHAT_TOOLS}
    text, calls, _ = collect(messages=MESSAGES, **asked)
    expected.called([(call["function"]["name"], call["function"]["arguments"]) for call in calls])
    said = {"role": "assistant", "content": text or None, "tool_calls": calls}
    text, _, _ = collect(messages=[*MESSAGES, said, *results(calls)], **asked)
    expected.said_then(text)


def image(model, expected):
    parts = [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": IMAGE_URL}}]
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
    expected.said(answer.choices[0].message.content)


def structured(model, expected):
    answer = client.chat.completions.parse(model=model, messages=MESSAGES, response_format=Joke)
    expected.fits(answer.choices[0].message.parsed.model_dump())


run(
    "openai (Python), chat completions",
    {
        "plain": plain,
        "stream": stream,
        "tools": tools,
        "streamed-tools": streamed_tools,
        "image": image,
        "structured": structured,
    },
)

RESPONSES_TOOLS = [{"type": "function", **tool} for tool in TOOLS]
ASKED = {"instructions": SYSTEM, "store": False}


def response_plain(model, expected):
    answer = client.responses.create(model=model, input=QUESTION, **ASKED)
    expected.said(answer.output_text)
    expected.counted(lambda: (answer.usage.input_tokens, answer.usage.output_tokens))


def response_streamed(**asked):
    text, last = "", None
    for event in client.responses.create(stream=True, **ASKED, **asked):
        last = event
        if event.type == "response.output_text.delta":
            text += event.delta
    assert last.type == "response.completed", last
    return text, last.response


def response_stream(model, expected):
    text, response = response_streamed(model=model, input=QUESTION)
    expected.said(text)
    expected.said(response.output_text)
    expected.counted(lambda: (response.usage.input_tokens, response.usage.output_tokens))


def items_after(output):
    calls = [item for item in output if item.type == "function_call"]
    said = [item.model_dump(exclude_none=True) for item in output]
    given = [{"type": "function_call_output", "call_id": call.call_id, "output": RESULT} for call in calls]
    return calls, [{"role": "user", "content": QUESTION}, *said, *given]


def response_tools(model, expected):
    asked = {"model": model, "tools": RESPONSES_TOOLS, **ASKED}
    answer = client.responses.create(input=QUESTION, **asked)
    calls, items = items_after(answer.output)
    expected.called([(call.name, call.arguments) for call in calls])
    expected.said_then(client.responses.create(input=items, **asked).output_text)


def response_streamed_tools(model, expected):
    asked = {"model": model, "tools": RESPONSES_TOOLS}
    _, response = response_streamed(input=QUESTION, **asked)
    calls, items = items_after(response.output)
    expected.called([(call.name, call.arguments) for call in calls])
    text, _ = response_streamed(input=items, **asked)
    expected.said_then(text)


def response_image(model, expected):
    parts = [{"type": "input_text", "text": QUESTION}, {"type": "input_image", "image_url": IMAGE_URL}]
    answer = client.responses.create(model=model, input=[{"role": "user", "content": parts}], **ASKED)
    expected.said(answer.output_text)


def response_structured(model, expected):
    answer = client.responses.parse(model=model, input=QUESTION, text_format=Joke, **ASKED)
    expected.fits(answer.output_parsed.model_dump())


run(
    "openai (Python), responses",
    {
        "plain": response_plain,
        "stream": response_stream,
        "tools": response_tools,
        "streamed-tools": response_streamed_tools,
        "image": response_image,
        "structured": response_structured,
    },
    speaks="responses",
)
