"""The chat template for servers writes prompts as models are trained on them."""

from pathlib import Path

import jinja2
import pytest

from retrieval.prompt import EXAMPLES, Message, plain_text, render

TEMPLATE = Path(__file__).parent.parent / "scripts" / "plain_chat.jinja"


@pytest.mark.parametrize("question", ["What does it cost?", "多少钱？"])
@pytest.mark.parametrize("examples", [True, False])
def test_a_prompt_is_what_this_process_would_read(question: str, examples: bool) -> None:
    shown = EXAMPLES["zh" if question.endswith("？") else "en"] if examples else ()
    messages = render(question, ["It costs 5.\nNo more."], examples=shown)
    template = jinja2.Environment(keep_trailing_newline=True).from_string(TEMPLATE.read_text("utf-8"))  # noqa: S701
    turns = [{"role": message.role, "content": message.content} for message in messages]
    assert template.render(messages=turns, bos_token="<bos>") == "<bos>" + plain_text(messages)


def test_a_single_message_is_written_as_it_is() -> None:
    template = jinja2.Template(TEMPLATE.read_text("utf-8"))
    assert template.render(messages=[Message("user", "Fee?")], bos_token="") == "Fee?"
