"""The official Python SDK against a running gateway.

Usage: check.py BASE_URL KEY BROKEN_BASE_URL BROKEN_KEY

The first gateway serves examples/quickstart; the second breaks every stream midway.
"""

import asyncio
import json
import sys

import openai

base_url, key, broken_base_url, broken_key = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
messages = [{"role": "user", "content": "Hello?"}]
TEXT = "Hello from Weir. No provider was called, and nothing was spent."


def plain():
    raw = client.chat.completions.with_raw_response.create(model="fast", messages=messages)
    assert raw.headers["x-weir-route"] == "quickstart/chat", raw.headers
    assert raw.headers["x-weir-provider"] == "quickstart/mock", raw.headers
    answer = raw.parse()
    assert answer.choices[0].message.content == TEXT, answer
    assert answer.choices[0].finish_reason == "stop", answer
    assert answer.model == "fast", answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id == raw.headers["x-request-id"], answer._request_id


def streamed():
    stream = client.chat.completions.create(
        model="gpt-anything", messages=messages, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    texts = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert "".join(texts) == TEXT, texts
    assert len(texts) == 3, texts
    assert chunks[-1].usage.completion_tokens > 0, chunks[-1]


async def at_once():
    client = openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0)

    async def one():
        stream = await client.chat.completions.create(model="fast", messages=messages, stream=True)
        return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

    assert await asyncio.gather(*[one() for _ in range(10)]) == [TEXT] * 10


def completions():
    answer = client.completions.create(model="fast", prompt="Once upon")
    assert answer.choices[0].text == TEXT, answer
    stream = client.completions.create(model="fast", prompt="Once upon", stream=True)
    assert "".join(c.choices[0].text for c in stream if c.choices) == TEXT


def embeddings():
    answer = client.embeddings.create(model="fast", input=["one", "two"])
    first, second = (item.embedding for item in answer.data)
    assert len(first) == len(second) > 1 and first != second
    # The SDK asks for base64 unless it is told otherwise.
    floats = client.embeddings.create(model="fast", input="one", encoding_format="float").data[0].embedding
    assert all(abs(a - b) < 1e-6 for a, b in zip(first, floats, strict=True))


def models():
    assert [model.id for model in client.models.list()] == ["fast"]
    assert client.models.retrieve("fast").object == "model"


def tools():
    tool = {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
    answer = client.chat.completions.create(
        model="fast", messages=messages, tools=[tool], tool_choice="required"
    )
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "weather", call
    assert set(json.loads(call.function.arguments)) == {"city"}, call
    assert answer.choices[0].finish_reason == "tool_calls", answer


def raises(kind, status, code, call):
    try:
        call()
    except kind as error:
        assert (error.status_code, error.code) == (status, code), (error.status_code, error.code)
        assert error.type == "invalid_request_error", error.type
        assert error.request_id, error
    else:
        raise AssertionError(f"no {kind.__name__}")


def errors():
    wrong = openai.OpenAI(base_url=base_url, api_key="nobodys", max_retries=0)
    ask = wrong.chat.completions.create
    raises(openai.AuthenticationError, 401, "invalid_api_key", lambda: ask(model="fast", messages=messages))
    ask = client.chat.completions.create
    raises(openai.NotFoundError, 404, "model_not_found", lambda: ask(model="nowhere", messages=messages))
    raises(openai.NotFoundError, 404, "model_not_found", lambda: client.models.retrieve("nowhere"))
    raises(openai.BadRequestError, 400, "empty_array", lambda: ask(model="fast", messages=[]))


def broken_stream():
    broken = openai.OpenAI(base_url=broken_base_url, api_key=broken_key, max_retries=0)
    texts = []
    try:
        for chunk in broken.chat.completions.create(model="fast", messages=messages, stream=True):
            texts.append(chunk.choices[0].delta.content)
    except openai.APIError as error:
        assert error.code == "provider_broken", error.code
        assert len(texts) > 1, texts
    else:
        raise AssertionError("the stream ended as if it were whole")


for check in [plain, streamed, completions, embeddings, models, tools, errors, broken_stream]:
    check()
    print("ok", check.__name__)
asyncio.run(at_once())
print("ok at_once")
