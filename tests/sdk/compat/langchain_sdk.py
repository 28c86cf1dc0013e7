"""LangChain's models for OpenAI, Anthropic and Gemini."""

from common import IMAGE, QUESTION, RESULT, SCHEMA, SYSTEM, TOOLS, key, root, run
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI

MESSAGES = [SystemMessage(SYSTEM), HumanMessage(QUESTION)]
CHAT_TOOLS = [{"type": "function", "function": tool} for tool in TOOLS]


def asks_of(make):
    def plain(model, expected):
        answer = make(model).invoke(MESSAGES)
        expected.said(answer.text)
        expected.counted(lambda: (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]))

    def collect(model, messages):
        whole = None
        for chunk in model.stream(messages):
            whole = chunk if whole is None else whole + chunk
        return whole

    def stream(model, expected):
        answer = collect(make(model), MESSAGES)
        expected.said(answer.text)
        expected.counted(lambda: (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]))

    def after(answer, expected):
        expected.called([(call["name"], call["args"]) for call in answer.tool_calls])
        given = [ToolMessage(RESULT, tool_call_id=call["id"], name=call["name"]) for call in answer.tool_calls]
        return [*MESSAGES, answer, *given]

    def tools(model, expected):
        bound = make(model).bind_tools(CHAT_TOOLS)
        messages = after(bound.invoke(MESSAGES), expected)
        expected.said_then(bound.invoke(messages).text)

    def streamed_tools(model, expected):
        bound = make(model).bind_tools(CHAT_TOOLS)
        messages = after(collect(bound, MESSAGES), expected)
        expected.said_then(collect(bound, messages).text)

    def image(model, expected):
        picture = {"type": "image", "base64": IMAGE, "mime_type": "image/png"}
        message = HumanMessage(content=[{"type": "text", "text": QUESTION}, picture])
        expected.said(make(model).invoke([message]).text)

    def structured(model, expected):
        schema = {"title": "joke", "description": "A joke and its rating.", **SCHEMA}
        bound = make(model).with_structured_output(schema, method="json_schema")
        expected.fits(bound.invoke(MESSAGES))

    return {
        "plain": plain,
        "stream": stream,
        "tools": tools,
        "streamed-tools": streamed_tools,
        "image": image,
        "structured": structured,
    }


def openai(model):
    return ChatOpenAI(model=model, base_url=root + "/v1", api_key=key, max_retries=0, stream_usage=True)


def anthropic(model):
    return ChatAnthropic(model=model, base_url=root, api_key=key, max_retries=0, max_tokens=1000)


def google(model):
    return ChatGoogleGenerativeAI(model=model, base_url=root, api_key=key, max_retries=0)


run("LangChain, ChatOpenAI", asks_of(openai))
run("LangChain, ChatAnthropic", asks_of(anthropic), speaks="messages")
run("LangChain, ChatGoogleGenerativeAI", asks_of(google), speaks="gemini")
