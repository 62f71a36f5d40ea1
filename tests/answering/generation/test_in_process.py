"""The generator in this process: the contract, and equality with transformers' own `generate`."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from answering.generation.in_process import InProcessGenerator
from answering.generation.kv_cache import CHUNK, Position, PrefixCache, read_prompt, read_token
from answering.generation.model import LoadedModel, Precision
from answering.generation.protocol import Limits, Request, never
from knowledge_base.errors import InputError, ModelError
from retrieval.prompt import Message
from tests.answering.generation.tiny import ARCHITECTURES, TEMPLATE, save_model
from tests.contracts.generator_contract import (
    CHINESE,
    ENGLISH,
    GeneratorContract,
    ScorerContract,
    asked,
    written,
)

PLAIN = Precision(torch.float32)
HALF = Precision("auto", "half")
INT8 = Precision(torch.bfloat16, "int8")
LONG = " ".join(f"The platinum card costs {number} yuan a year." for number in range(60))


def by_generate(folder: Path, text: str, tokens: int, dtype: torch.dtype = torch.float32) -> str:
    """What plain transformers writes for a prompt, greedily."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    ids = tokenizer(text, return_tensors="pt").input_ids
    output = network.generate(ids, max_new_tokens=tokens, do_sample=False, pad_token_id=2)
    return str(tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True))


def written_one_by_one(model: LoadedModel, position: Position, count: int) -> list[int]:
    """The likeliest tokens, each read alone."""
    tokens = []
    for _ in range(count):
        tokens.append(int(position.logits.argmax()))
        read_token(model, position, tokens[-1])
    return tokens


class TestContract(GeneratorContract, ScorerContract):
    @pytest.fixture(scope="class", params=[PLAIN, HALF, INT8], ids=["plain", "half", "int8"])
    def generator(
        self, request: pytest.FixtureRequest, gemma: Path, bank_adapter: Path
    ) -> InProcessGenerator:
        generator = InProcessGenerator(gemma, precision=request.param)
        generator.add_adapter("bank", bank_adapter, "1")
        return generator

    @pytest.fixture
    def adapter(self) -> str:
        return "bank"


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, LONG], ids=["en", "zh", "long"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_greedy_text_is_that_of_generate(tiny: Callable[[str], Path], architecture: str, text: str) -> None:
    folder = tiny(architecture)
    ours = written(InProcessGenerator(folder, precision=PLAIN), asked(text, tokens=24))
    assert ours == by_generate(folder, text, 24).rstrip("\ufffd")


@pytest.mark.parametrize(("precision", "most"), [(PLAIN, 1e-3), (HALF, 0.1), (INT8, 0.35)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_are_those_of_the_model_after_the_prompt_and_after_each_token(
    tiny: Callable[[str], Path], architecture: str, precision: Precision, most: float
) -> None:
    """`most` is the largest error allowed, in standard deviations of the logits."""
    folder = tiny(architecture)
    ids = tuple(AutoTokenizer.from_pretrained(folder)(LONG).input_ids)
    with torch.inference_mode():
        network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        expected = network(torch.tensor([ids])).logits[0]
    model = InProcessGenerator(folder, precision=precision).engine().model
    position = read_prompt(model, PrefixCache(10**9), "", ids[:-6], never)
    assert position is not None
    for place in range(len(ids) - 7, len(ids) - 1):
        error = (position.logits - expected[place]).abs().max() / expected[place].std()
        assert float(error) < most
        read_token(model, position, ids[place + 1])


@pytest.mark.parametrize("right", range(5))
def test_guesses_are_kept_as_far_as_they_are_what_would_be_written(gemma: Path, right: int) -> None:
    model = InProcessGenerator(gemma, precision=PLAIN).engine().model
    ids = model.encoder.prompt((Message("user", LONG),))
    one = read_prompt(model, PrefixCache(10**9), "", ids, never)
    guessing = read_prompt(model, PrefixCache(10**9), "", ids, never)
    assert one is not None
    assert guessing is not None
    first, *rest = written_one_by_one(model, one, 1 + right)
    wrong = (int(one.logits.argmin()), 5)
    assert read_token(model, guessing, first, (*rest, *wrong)) == tuple(rest)
    assert guessing.cache.get_seq_length() == one.cache.get_seq_length() == len(ids) + 1 + right
    assert torch.allclose(guessing.logits, one.logits, atol=1e-4)
    following = [written_one_by_one(model, position, 4) for position in (one, guessing)]
    assert following[0] == following[1]


def test_what_repeats_itself_is_written_in_fewer_steps(gemma: Path) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    read: list[int] = []
    generator.engine().model.network.base_model.register_forward_hook(
        lambda _module, _args, kwargs, _output: read.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    written(generator, asked("again again again", tokens=60))
    greedy, read[:] = len(read), []
    written(generator, replace(asked("again again again", tokens=60), temperature=1.0))
    assert greedy < len(read) == 59  # the prompt is remembered


def test_what_was_read_before_does_not_change_the_answer(gemma: Path) -> None:
    fresh = InProcessGenerator(gemma, precision=PLAIN)
    used = InProcessGenerator(gemma, precision=PLAIN)
    for shared in (LONG, LONG + " And the gold card?", LONG[:900], LONG[:900] + "?", LONG):
        fresh = InProcessGenerator(gemma, precision=PLAIN)
        assert written(used, asked(shared)) == written(fresh, asked(shared))


def test_a_repeated_context_is_read_once(gemma: Path) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    read: list[int] = []
    generator.engine().model.network.base_model.register_forward_hook(
        lambda _module, _args, kwargs, _output: read.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    generator.logprobs([asked(LONG + " First question?")], " yes")
    whole = sum(read)
    read.clear()
    written(generator, asked(LONG + " First question?", tokens=1))
    assert read == []
    assert generator.tokens.totals() == {"prompt": 2 * whole, "cached": whole, "completion": 1}
    written(generator, asked(LONG + " Another one?", tokens=1))
    assert 0 < sum(read) < whole / 20


def test_an_adapter_never_sees_what_the_base_remembered(gemma: Path, bank_adapter: Path) -> None:
    used, fresh = InProcessGenerator(gemma, precision=PLAIN), InProcessGenerator(gemma, precision=PLAIN)
    for generator in (used, fresh):
        generator.add_adapter("bank", bank_adapter, "1")
    base = written(used, asked(LONG))
    adapted = written(used, asked(LONG, adapter="bank"))
    assert adapted != base
    assert adapted == written(fresh, asked(LONG, adapter="bank"))
    assert written(used, asked(LONG)) == base


def test_log_probabilities_are_those_of_the_model(gemma: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(gemma)
    network = AutoModelForCausalLM.from_pretrained(gemma)
    with torch.inference_mode():
        logits = network(tokenizer(LONG, return_tensors="pt").input_ids).logits[0, -1]
    expected = float(logits.log_softmax(-1)[tokenizer(" yuan", add_special_tokens=False).input_ids[0]])
    for precision, tolerance in ((PLAIN, 1e-3), (HALF, 0.05)):
        generator = InProcessGenerator(gemma, precision=precision)
        assert generator.logprobs([asked(LONG)], "yuan") == pytest.approx([expected], abs=tolerance)


def test_a_chat_template_is_used_and_begins_the_text_once(tmp_path: Path) -> None:
    generator = InProcessGenerator(save_model(tmp_path, "llama", TEMPLATE), precision=PLAIN)
    encoder = generator.engine().model.encoder
    messages = (Message("system", "Be brief."), Message("user", "Fee?"))
    rendered = encoder.render(messages)
    assert rendered == "<bos><system>Be brief.\n<user>Fee?\n<assistant>"
    ids = encoder.prompt(messages)
    assert ids.count(0) == 1
    assert encoder.decode(list(ids)) == rendered.removeprefix("<bos>")


def test_a_reply_does_not_begin_as_it_must_not(gemma: Path) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    request = replace(asked(), unlike="Yuan 680")
    tokens = [
        generator.engine().model.encoder.first_token(request.messages, way)
        for way in ("Yuan", "yuan", " yuan", "YUAN")
    ]
    logits = torch.zeros(400)
    logits[tokens] = 9.0
    position = Position(DynamicCache(), logits)
    generator.engine().avoid(position, request.messages, request.unlike)
    assert set(position.logits[tokens].tolist()) == {float("-inf")}
    assert set(logits[tokens].tolist()) == {9.0}, "the prefix cache keeps what it had"


def test_without_a_template_the_plain_prompt_begins_the_text_once(gemma: Path) -> None:
    ids = InProcessGenerator(gemma, precision=PLAIN).engine().model.encoder.prompt([Message("user", "Fee?")])
    assert ids[0] == 0
    assert ids.count(0) == 1


def test_temperature_draws_the_same_texts_for_the_same_seed(gemma: Path) -> None:
    def texts(seed: int) -> list[str]:
        generator = InProcessGenerator(gemma, precision=PLAIN, seed=seed)
        request = Request((Message("user", ENGLISH),), max_new_tokens=8, temperature=2.0)
        return [written(generator, request) for _ in range(3)]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)
    assert len(set(texts(1))) > 1


def test_a_request_may_bring_its_seed_and_draw_from_the_likeliest_alone(gemma: Path) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    drawn = Request((Message("user", ENGLISH),), max_new_tokens=8, temperature=2.0)
    seeded = [written(generator, replace(drawn, seed=seed)) for seed in (1, 2, 1)]
    assert seeded[0] == seeded[2] != seeded[1]
    greedy = written(generator, replace(drawn, temperature=0.0))
    assert written(generator, drawn) != greedy
    assert {written(generator, replace(drawn, top_p=top_p)) for top_p in (0.0, 1e-6)} == {greedy}


@pytest.mark.parametrize(
    "senseless", [asked(tokens=0), replace(asked(), temperature=-1.0), replace(asked(), top_p=1.1)]
)
def test_a_request_that_makes_no_sense_is_refused_at_once(gemma: Path, senseless: Request) -> None:
    with pytest.raises(InputError):
        InProcessGenerator(gemma, precision=PLAIN).stream(senseless)


def test_writing_ends_with_the_context(gemma: Path) -> None:
    generator = InProcessGenerator(gemma, limits=Limits(context=60), precision=PLAIN)
    room = 60 - len(generator.engine().model.encoder.prompt(asked().messages))
    assert 0 < room < 50
    assert len(list(generator.stream(asked(tokens=100)))) <= room


def test_prompts_are_remembered_only_within_their_memory(gemma: Path) -> None:
    limit = 600_000
    generator = InProcessGenerator(gemma, limits=Limits(prefix_bytes=limit), precision=PLAIN)
    sizes = []
    for number in range(6):
        written(generator, asked(f"{number} {ENGLISH}", tokens=1))
        sizes.append(generator.held_bytes()["prompts"])
    assert 0 < max(sizes) <= limit
    assert sizes[-1] < 2 * sizes[0] * 6


def test_a_remembered_prompt_takes_the_room_of_its_tokens_and_no_more(gemma: Path) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    written(generator, asked(tokens=3))
    (prefix,) = generator.engine().prefixes._entries.values()
    tensors = [tensor for pair in prefix.layers for tensor in pair]
    assert (
        generator.held_bytes()["prompts"] == sum(tensor.nbytes for tensor in tensors) + prefix.logits.nbytes
    )


def test_those_who_wait_come_in_the_order_of_asking(gemma: Path) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    first = generator.stream(asked())
    next(first)
    order: list[int] = []

    def ask(number: int) -> None:
        written(generator, asked(f"{number} {ENGLISH}"))
        order.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for waiting, thread in enumerate(threads):
        thread.start()
        wait_until(lambda waiting=waiting: len(generator._lock._queue) == waiting + 2)
    first.close()
    for thread in threads:
        thread.join(20)
    assert order == [0, 1, 2, 3]


def test_who_waits_can_be_cancelled(gemma: Path) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    first = generator.stream(asked())
    next(first)
    stop = threading.Event()
    pieces: list[str] = []
    waiter = threading.Thread(target=lambda: pieces.extend(generator.stream(asked(), stop.is_set)))
    waiter.start()
    wait_until(lambda: len(generator._lock._queue) == 2)
    stop.set()
    waiter.join(5)
    assert not waiter.is_alive()
    assert pieces == []
    assert "".join(first)


def test_scoring_is_cancelled_between_two_chunks_of_a_prompt(gemma: Path) -> None:
    generator = InProcessGenerator(gemma, precision=PLAIN)
    chunks: list[int] = []
    generator.engine().model.network.base_model.register_forward_hook(
        lambda _module, _args, kwargs, _output: chunks.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    scored = asked("fee 680 " * 120)
    assert len(generator.engine().model.encoder.prompt(scored.messages)) > 2 * CHUNK
    assert generator.logprobs([scored], " yes", lambda: bool(chunks)) == []
    assert chunks == [CHUNK]
    assert written(generator, asked()), "the model is free again"


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_without_a_part_is_no_model(tmp_path: Path, missing: str) -> None:
    folder = save_model(tmp_path, "llama")
    (folder / missing).unlink()
    if missing == "tokenizer.json":
        (folder / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError) as caught:
        InProcessGenerator(folder, precision=PLAIN).count_tokens(["text"])
    assert str(folder) in caught.value.cause


def test_damaged_weights_are_an_error_of_every_request(tmp_path: Path) -> None:
    folder = save_model(tmp_path, "llama")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    generator = InProcessGenerator(folder, precision=PLAIN)
    for _ in range(2):
        with pytest.raises(ModelError, match="cannot be loaded"):
            generator.stream(asked())


@pytest.mark.parametrize("template", ["", TEMPLATE])
def test_whether_it_chats_is_known_without_loading_it(tmp_path: Path, template: str) -> None:
    generator = InProcessGenerator(save_model(tmp_path, "llama", template or None), precision=PLAIN)
    assert generator.chats == bool(template)
    assert generator.engine.made is None
    assert generator.engine().encoder.has_template == generator.chats


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "waited for ten seconds"
        time.sleep(0.01)
