"""What every script of this folder does: asks each provider for each thing and says what came of it.

Usage: SCRIPT ROOT KEY TOLD.json

ROOT is Weir's address without a path. TOLD says what to ask for and what has to come back. Each line of the
output is [caller, provider, ask, result], the result `ok`, `refused FIELD` or `wrong: …`.
"""

import base64
import json
import re
import sys
import traceback
import warnings

warnings.filterwarnings("ignore")
root, key, told = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
SYSTEM, QUESTION = told["system"], told["question"]
TOOLS, RESULT, SCHEMA = told["tools"], told["result"], told["schema"]
IMAGE, IMAGE_BYTES = told["image"], base64.b64decode(told["image"])
IMAGE_URL = "data:image/png;base64," + IMAGE


class Expected:
    """What has to come back."""

    def __init__(self, answer, then):
        self.text, self.calls, self.usage = answer["text"], answer["calls"], answer["usage"]
        self.then = then and then["text"]

    def said(self, text):
        assert text == self.text, f"{text!r} was said, not {self.text!r}"

    def called(self, calls):
        """`calls` are pairs of a name and arguments, as text or not."""
        parsed = [(name, json.loads(args or "{}") if isinstance(args, str) else args) for name, args in calls]
        wanted = [(call["name"], call["arguments"]) for call in self.calls]
        assert parsed == wanted, f"{parsed} was called, not {wanted}"

    def said_then(self, text):
        """What is said once the tools have given their results."""
        assert text == self.then, f"{text!r} was said of the results, not {self.then!r}"

    def counted(self, read):
        """`read` gives the tokens that went in and came out, if the provider says them."""
        assert not self.usage or min(read()) > 0, read()

    def fits(self, value):
        assert value == json.loads(self.text), f"{value} came, not {self.text}"


def refused(error):
    """The field that Weir says the provider can't do."""
    found = re.search(r"Unsupported parameter: \\*'([^'\\]+)", str(error))
    return found and re.sub(r"\[\d+\]", "[]", found[1])


def run(caller, asks, speaks="chat"):
    """Asks every provider. A provider that speaks `speaks` too is called by it."""
    for provider, by_ask in told["expected"].items():
        for ask, answers in by_ask.items():
            result = "none"
            if ask in asks:
                pick = lambda answers: answers.get(speaks, answers["default"])
                then = {"tools": "plain", "streamed-tools": "stream"}.get(ask)
                expected = Expected(pick(answers), then and pick(by_ask[then]))
                try:
                    asks[ask](f"{provider}.{ask}", expected)
                    result = "ok"
                except Exception as error:
                    field = refused(error)
                    place = traceback.extract_tb(error.__traceback__)
                    own = [frame for frame in place if "/sdk/compat/" in frame.filename]
                    line = own[-1].lineno if own else place[-1].lineno
                    result = f"refused {field}" if field else f"wrong: line {line}: {type(error).__name__}: {error}"
            print(json.dumps([caller, provider, ask, result]), flush=True)
