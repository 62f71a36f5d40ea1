"""Fields that change nothing are taken; what cannot be done is refused in a sentence that names the field."""

import json
from typing import Any

import httpx
import pytest

QUESTION = {"role": "user", "content": "What does the platinum card cost?"}
TEXT = {"type": "text", "text": "What does the platinum card cost?"}
TOOL = {"type": "function", "function": {"name": "look_up"}}


def post(site: httpx.Client, path: str = "chat/completions", **body: Any) -> httpx.Response:
    whole = {"model": "base", **({} if path != "chat/completions" else {"messages": [QUESTION]}), **body}
    headers = {"Content-Type": "application/json"}
    return site.post(f"/v1/{path}", content=json.dumps(whole), headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        *(
            {name: None}
            for name in ("n", "stream", "seed", "stop", "tools", "logprobs", "user", "unheard_of")
        ),
        {"max_tokens": None, "max_completion_tokens": None, "temperature": None, "response_format": None},
        {"n": 1, "presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "top_logprobs": 0},
        {"tools": [], "tool_choice": "none", "parallel_tool_calls": True, "functions": []},
        {"tools": [TOOL], "tool_choice": "none"},
        {"tool_choice": "auto", "function_call": "auto"},
        {"response_format": {"type": "text"}, "modalities": ["text"], "logprobs": False},
        {"store": True, "metadata": {"a": "b"}, "service_tier": "auto", "user": "li"},
        {"prompt_cache_key": "k", "safety_identifier": "s", "prediction": {"type": "content", "content": ""}},
        {"reasoning_effort": "low", "verbosity": "low"},
        {"seed": -1, "top_p": 0, "temperature": 0},
        {"stop": "Observation"},
        {"stop": []},
        {"max_tokens": 9_999_999},
        {"max_completion_tokens": 5000, "max_tokens": -1},
        {"stream_options": None, "stream": False},
        {"stream_options": {"include_usage": True, "include_obfuscation": False}, "stream": True},
        {"messages": [{**QUESTION, "name": "li", "cache_control": {"type": "ephemeral"}}]},
        {"messages": [{"role": "user", "content": [{**TEXT, "cache_control": {"type": "ephemeral"}}]}]},
        {"messages": [QUESTION, {"role": "assistant", "content": None, "refusal": "no"}, QUESTION]},
        {"messages": [QUESTION, {"role": "assistant", "content": "Yes.", "tool_calls": None}, QUESTION]},
        {
            "messages": [
                QUESTION,
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
                QUESTION,
            ]
        },
        {"messages": [{"role": "developer", "content": "Be brief."}, QUESTION]},
        {"messages": [{"role": "user", "content": "platinum card cost \ud83d"}]},
    ],
    ids=lambda body: " ".join(body)[:40],
)
def test_what_changes_nothing_is_taken(site: httpx.Client, body: dict[str, Any]) -> None:
    answer = post(site, **body)
    assert answer.status_code == 200, answer.text
    assert "680" in answer.text


@pytest.mark.parametrize(
    ("body", "param", "told"),
    [
        ({"n": 2}, "n", "One reply is written at a time"),
        ({"tools": [TOOL]}, "tools", "calls no tools"),
        ({"tools": [TOOL], "tool_choice": "required"}, "tools", "calls no tools"),
        ({"tool_choice": "required"}, "tool_choice", "calls no tools"),
        ({"functions": [{"name": "f"}]}, "functions", "calls no tools"),
        ({"logprobs": True}, "logprobs", "Log-probabilities are not given"),
        ({"logit_bias": {"5": 1}}, "logit_bias", "cannot be weighed"),
        ({"presence_penalty": 0.5}, "presence_penalty", "not penalised"),
        ({"modalities": ["text", "audio"]}, "modalities", "Replies are text"),
        ({"audio": {"voice": "a"}}, "audio", "Nothing is spoken"),
        ({"web_search_options": {}}, "web_search_options", "The web is not searched"),
        ({"top_p": 1.5}, "top_p", "less than or equal to 1"),
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"tempratur": 1}, "tempratur", "not permitted"),
        (
            {
                "messages": [
                    {"role": "user", "content": [TEXT, {"type": "image_url", "image_url": {"url": "data:"}}]}
                ]
            },
            "messages.0.content",
            "Images cannot be read here; send text",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "messages.0.content",
            "Recordings cannot be read",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            "messages.0.content",
            "upload them to a collection",
        ),
        (
            {"messages": [QUESTION, {"role": "tool", "content": "5", "tool_call_id": "c"}]},
            "messages.1.role",
            "Results of tools cannot be read",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [TOOL]}, QUESTION]},
            "messages.0.tool_calls",
            "calls no tools",
        ),
        ({"messages": [QUESTION, {"role": "assistant", "content": "Yes."}]}, "messages", "not the user's"),
        ({"model": "gpt-4o-mini", "retrieval": False}, "model", "gpt-4o-mini"),
        ({"response_format": {"type": "grammar"}}, "response_format.type", "'json_object'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_done_is_refused_by_its_name(
    site: httpx.Client, body: dict[str, Any], param: str, told: str
) -> None:
    answer = post(site, **body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (404 if param == "model" else 422, param)
    assert told in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", {"messages": [{"role": "user", "content": "\ud83d"}]}),
        ("chat/completions", {"messages": [{"role": "\udc00", "content": "a"}]}),
        ("chat/completions", {"collection": "\ud83d"}),
        ("chat/completions", {"\ud83d": 1}),
        ("completions", {"prompt": "card \udfff"}),
        ("responses", {"input": "card \ud83d"}),
        ("embeddings", {"input": ["card \ud83d"]}),
        ("rerank", {"query": "\ud83d", "documents": ["\ud83d"]}),
        ("generate", {"input": "card \ud83d"}),
        ("search", {"query": "card \ud83d"}),
        ("feedback", {"answer_id": "\ud83d", "verdict": "up"}),
        ("collections", {"name": "\ud83d"}),
    ],
)
def test_half_a_character_breaks_nothing(site: httpx.Client, path: str, body: dict[str, Any]) -> None:
    answer = post(site, path, **body)
    assert answer.status_code < 500, answer.text
