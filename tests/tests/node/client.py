"""A caller in a pod, with OpenAI's SDK and nothing but the token that the kubelet projects.

Usage: client.py once MODEL            one streamed answer; prints its text and ends
       client.py load LONG SHORT N      calls until SIGTERM: N streams of the model LONG at a time, and
                                        others of the model SHORT; lets them end, and prints what
                                        came of them as one line of JSON

OPENAI_BASE_URL says where. Nothing is tried twice: what fails counts.
"""

import json
import os
import signal
import sys
import threading
import time

import openai

TOKEN = "/var/run/secrets/weir/token"


def token():
    # The kubelet replaces the file long before the token in it ends; the SDK asks before each call.
    with open(TOKEN, encoding="utf-8") as file:
        return file.read()


client = openai.OpenAI(api_key=token, max_retries=0, timeout=60)


def stream(model):
    """The text of a streamed answer, and whether it came to its proper end."""
    chunks = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Hello?"}], stream=True
    )
    text, finished = "", False
    for chunk in chunks:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finished = finished or choice.finish_reason == "stop"
    return text, finished


class Load:
    """Callers that go on until they are told to stop, and what became of their calls."""

    def __init__(self):
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.whole = {"long": 0, "short": 0}
        self.failed = []
        self.longest = 0.0

    def call(self, kind, model, expected):
        started = time.monotonic()
        try:
            text, finished = stream(model)
            fault = None if finished and text == expected else f"cut after {text!r}"
        except openai.OpenAIError as error:
            fault = f"{type(error).__name__}: {error} ({error.__cause__!r})"
        took = time.monotonic() - started
        with self.lock:
            self.longest = max(self.longest, took)
            if fault is None:
                self.whole[kind] += 1
            else:
                at = time.strftime("%H:%M:%S")
                self.failed.append(f"{at} {kind}, after {took:.1f} s: {fault}")

    def repeat(self, kind, model, expected, pause):
        while not self.stop.is_set():
            self.call(kind, model, expected)
            self.stop.wait(pause)


def load(long, short, streams):
    # What is whole is what the first answer of each said, before anything is disturbed.
    expected = {model: stream(model)[0] for model in (long, short)}
    state = Load()
    signal.signal(signal.SIGTERM, lambda *_: state.stop.set())
    callers = [
        threading.Thread(target=state.repeat, args=("long", long, expected[long], 0))
        for _ in range(streams)
    ]
    callers += [
        threading.Thread(target=state.repeat, args=("short", short, expected[short], 0.05))
        for _ in range(4)
    ]
    for index, caller in enumerate(callers):
        caller.start()
        # Not in step: at any moment some have just begun and some are about to end.
        if index < streams:
            time.sleep(1)
    print("under way", flush=True)
    for caller in callers:
        caller.join()
    print(json.dumps({**state.whole, "failed": state.failed, "longest": round(state.longest, 1)}))


def main():
    match sys.argv[1:]:
        case ["once", model]:
            text, finished = stream(model)
            assert finished, text
            print(text)
        case ["load", long, short, streams]:
            load(long, short, int(streams))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    assert os.environ["OPENAI_BASE_URL"]
    main()
