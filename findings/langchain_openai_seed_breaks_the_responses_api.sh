#!/usr/bin/env bash
# langchain-openai 1.7.3 with openai 3.57.0, ChatOpenAI(use_responses_api=True, seed=…).
#
# `seed` is a documented field of ChatOpenAI. Over chat completions it is sent; over the Responses API, which has no
# seed, it is passed on all the same, and every call fails with a TypeError before anything is sent. `stop`, which that
# API lacks too, is left out.
#
# Output seen:
#   stop: connection refused
#   seed: Responses.create() got an unexpected keyword argument 'seed'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet langchain-openai==1.7.3 openai==3.57.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import openai
from langchain_openai import ChatOpenAI

NOBODY = {"model": "m", "api_key": "k", "base_url": "http://127.0.0.1:9/v1", "max_retries": 0}


def told(**more: object) -> str:
    try:
        ChatOpenAI(use_responses_api=True, **NOBODY, **more).invoke("Hello")
    except openai.APIConnectionError:
        return "connection refused"
    except TypeError as error:
        return str(error)
    return "answered"


print("stop:", told(stop=["a"]))
print("seed:", told(seed=1))
assert told(stop=["a"]) == "connection refused"
assert "unexpected keyword argument 'seed'" in told(seed=1)
PYTHON
echo "as described"
