"""Google's own SDK for Gemini."""

import json

from common import IMAGE_BYTES, QUESTION, RESULT, SCHEMA, SYSTEM, TOOLS, key, root, run
from google import genai
from google.genai import types

client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=root))
FUNCTIONS = [
    types.FunctionDeclaration(
        name=tool["name"], description=tool["description"], parameters_json_schema=tool["parameters"]
    )
    for tool in TOOLS
]


def config(**more):
    return types.GenerateContentConfig(system_instruction=SYSTEM, max_output_tokens=1000, **more)


WITH_TOOLS = config(tools=[types.Tool(function_declarations=FUNCTIONS)])


def plain(model, expected):
    answer = client.models.generate_content(model=model, contents=QUESTION, config=config())
    expected.said(answer.text)
    usage = answer.usage_metadata
    expected.counted(lambda: (usage.prompt_token_count, usage.candidates_token_count))
    assert answer.candidates[0].finish_reason is not None, answer


def stream(model, expected):
    chunks = list(client.models.generate_content_stream(model=model, contents=QUESTION, config=config()))
    expected.said("".join(chunk.text or "" for chunk in chunks))
    usage = chunks[-1].usage_metadata
    expected.counted(lambda: (usage.prompt_token_count, usage.candidates_token_count))


def after(parts, expected):
    calls = [part.function_call for part in parts if part.function_call]
    expected.called([(call.name, call.args) for call in calls])
    given = [
        types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"result": RESULT}))
        for call in calls
    ]
    asked = types.Content(role="user", parts=[types.Part(text=QUESTION)])
    return [asked, types.Content(role="model", parts=parts), types.Content(role="user", parts=given)]


def tools(model, expected):
    asked = {"model": model, "config": WITH_TOOLS}
    answer = client.models.generate_content(contents=QUESTION, **asked)
    contents = after(answer.candidates[0].content.parts, expected)
    expected.said_then(client.models.generate_content(contents=contents, **asked).text)


def streamed_tools(model, expected):
    asked = {"model": model, "config": WITH_TOOLS}
    parts = []
    for chunk in client.models.generate_content_stream(contents=QUESTION, **asked):
        content = chunk.candidates and chunk.candidates[0].content
        parts += content.parts or [] if content else []
    contents = after([part for part in parts if part.function_call or part.text], expected)
    chunks = client.models.generate_content_stream(contents=contents, **asked)
    expected.said_then("".join(chunk.text or "" for chunk in chunks))


def image(model, expected):
    contents = [types.Part.from_bytes(data=IMAGE_BYTES, mime_type="image/png"), QUESTION]
    expected.said(client.models.generate_content(model=model, contents=contents, config=config()).text)


def structured(model, expected):
    asked = config(response_mime_type="application/json", response_json_schema=SCHEMA)
    answer = client.models.generate_content(model=model, contents=QUESTION, config=asked)
    expected.fits(json.loads(answer.text))


run(
    "google-genai (Python)",
    {
        "plain": plain,
        "stream": stream,
        "tools": tools,
        "streamed-tools": streamed_tools,
        "image": image,
        "structured": structured,
    },
    speaks="gemini",
)
