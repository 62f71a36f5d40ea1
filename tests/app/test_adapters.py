"""Which adapter answers, and that versions change under a running program without an answer lost."""

import itertools
import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from answering.answer import Reading
from answering.generation.protocol import Request
from answering.sufficiency import Calibration
from answering.values import Answer, Question
from app import doctor
from app.adapters import choices, choose, open_registry
from app.settings import Settings, load_settings
from app.workspace import Workspace
from finetune import shipped
from finetune.files import model_digest
from finetune.registry.entry import check_fits
from finetune.registry.manifest import AdapterReading, Base, Description
from finetune.registry.registry import Registry
from finetune.registry.serving import AdapterHost, ServedAdapters, reading_of
from knowledge_base.errors import InputError, MismatchError, ModelError, NotFoundError
from retrieval.prompt import PROMPT_VERSION
from tests.answering.generation.tiny import save_adapter, save_model
from tests.fakes import FakeEmbedder, FakeGenerator
from tests.finetune.registry.folders import peft_folder

# Answers whatever the confidence is: these tests are about who answers.
ALWAYS = Calibration(weights={}, bias=0.0, threshold=0.0)
READING = AdapterReading(calibrations={"scored": ALWAYS, "unscored": ALWAYS})
VERSIONS = 4
SENTENCES = [f"Version {number} says that the platinum card costs {number}80." for number in range(5)]
USUAL = Reading(
    passages=4,
    passage_tokens=50,
    max_new_tokens=16,
    scored=Calibration({"certainty": 1.0}, 0.0, 0.5),
    unscored=Calibration({"cosine": 1.0}, 0.0, 0.4),
    kept_sentences=2,
)


class FakeHost(FakeGenerator):
    """Knows the adapters that it was given; each version answers with a sentence of its own."""

    def __init__(self, base: Path, delay: float = 0.0) -> None:
        super().__init__(reply=self._sentence, delay=delay)
        self.base = base
        self.added: list[tuple[str, str]] = []

    def add_adapter(self, name: str, folder: Path, version: str) -> None:
        self.added.append((name, version))
        self._adapters |= {name}

    @staticmethod
    def _sentence(request: Request) -> str:
        number = (request.adapter or "@0").partition("@")[2] or "0"
        return SENTENCES[int(number)]


@pytest.fixture(autouse=True)
def _nothing_is_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.adapters.SHIPPED", tmp_path / "nothing")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights of the base")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"home": tmp_path / "home"})


@pytest.fixture
def registry(settings: Settings) -> Registry:
    return Registry(settings.home / "adapters")


def described(folder: Path, **changed: object) -> Description:
    """What a maker tells of an adapter for the base in `folder`, with some of it changed."""
    told = {"base": Base(id="gemma-3-270m", digest=model_digest(folder)), "prompt_version": PROMPT_VERSION}
    return Description.model_validate({**told, "reading": READING, **changed})


def fill(registry: Registry, base: Path, name: str = "bank", versions: int = VERSIONS) -> None:
    """Register versions that differ in their weights; the first is live."""
    for number in range(1, versions + 1):
        folder = peft_folder(base.parent / f"{name}-{number}", seed=number)
        registry.register(name, folder, described(base))
    registry.promote(name, 1)


@pytest.fixture
def host(base: Path) -> FakeHost:
    return FakeHost(base)


@pytest.fixture
def workspace(settings: Settings, registry: Registry, base: Path, host: FakeHost) -> Iterator[Workspace]:
    """A bank of one document whose sentences tell the versions apart, and four versions of its adapter."""
    fill(registry, base)
    with Workspace(settings, FakeEmbedder(), host) as workspace:
        documents = base.parent / "documents"
        documents.mkdir()
        (documents / "fees.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
        for collection in ("bank", "staff"):
            workspace.ingest(documents, collection)
        yield workspace


def question(adapter: str | None = None, collection: str = "bank") -> Question:
    return Question(
        "What does version say that the platinum card costs?", collection, adapter=adapter, style="words"
    )


def test_the_adapter_of_the_collections_name_answers_when_none_is_named(workspace: Workspace) -> None:
    answer = workspace.answer(question())
    assert (answer.adapter, answer.text, answer.refused) == ("bank@1", SENTENCES[1], False)
    assert workspace.answer(question(collection="staff")).adapter == "base"
    assert workspace.adapters() == ["bank", "base"]
    assert workspace.adapters("staff") == ["base", "bank"]


@pytest.mark.parametrize(
    ("named", "version"), [("bank", 1), ("bank@1", 1), ("bank@3", 3), ("bank@live", 1), ("base", 0)]
)
def test_a_question_names_a_version_or_the_live_one(workspace: Workspace, named: str, version: int) -> None:
    answer = workspace.answer(question(named))
    assert answer.adapter == (f"bank@{version}" if version else "base")
    assert f"Version {version}" in answer.text or answer.refused


def test_a_promotion_and_a_rollback_are_seen_by_the_next_question(
    workspace: Workspace, registry: Registry
) -> None:
    registry.promote("bank", 2)
    assert workspace.answer(question("bank")).adapter == "bank@2"
    assert workspace.answer(question("bank@previous")).adapter == "bank@1"
    registry.rollback("bank")
    assert workspace.answer(question()).adapter == "bank@1"
    registry.rollback("bank")
    registry.promote("bank", 4)
    assert workspace.answer(question()).adapter == "bank@4"


def test_going_back_from_the_first_version_leaves_the_base(settings: Settings, base: Path) -> None:
    registry = Registry(settings.home / "adapters")
    fill(registry, base, versions=1)
    registry.rollback("bank")
    assert choose(registry, settings, None, "bank") is None
    assert choices(registry, settings, "bank") == ["base"]


def test_what_cannot_answer_does_not_become_live(tmp_path: Path, base: Path) -> None:
    """Judged over the base model's names and shapes; what was live stays."""
    model = save_model(tmp_path / "tiny", "gemma3_text")
    settings = load_settings({"home": tmp_path / "own", "generator": str(model)})
    registry = open_registry(settings)
    registry.import_folder("bank", save_adapter(tmp_path / "fits", model))
    registry.import_folder("bank", save_adapter(tmp_path / "other", save_model(tmp_path / "llama", "llama")))
    registry.register("bank", save_adapter(tmp_path / "again", model), described(base))
    assert registry.promote("bank", 1).live == 1
    with pytest.raises(MismatchError, match="does not fit the base model"):
        registry.promote("bank", 2)
    with pytest.raises(MismatchError, match="with the weights"):
        registry.promote("bank", 3)
    assert registry.aliases("bank").live == 1
    (adapters,) = doctor.adapters(settings)
    assert (adapters.check, adapters.state) == ("adapter bank", "ok")


def test_what_is_live_and_cannot_answer_is_an_error_of_its_name_alone(
    workspace: Workspace, registry: Registry
) -> None:
    registry.get("bank", 1).folder.joinpath("adapter_model.safetensors").write_bytes(b"cut short")
    with pytest.raises(ModelError, match="bank@1 is damaged"):
        workspace.answer(question(collection="staff", adapter="bank"))
    with pytest.raises(ModelError, match="bank@1 is damaged"):
        workspace.answer(question())
    assert list(workspace.adapter_problems()) == ["bank"]
    assert workspace.answer(question(collection="staff")).adapter == "base"
    registry.promote("bank", 2)
    assert workspace.adapter_problems() == {}


def test_a_live_version_that_is_lost_is_told(workspace: Workspace, registry: Registry) -> None:
    for number in registry.versions("bank"):
        shutil.rmtree(registry.get("bank", number).folder)
    with pytest.raises(NotFoundError):
        workspace.answer(question())
    assert list(workspace.adapter_problems()) == ["bank"]
    (registry.folder / "bank" / "aliases.json").write_text("{", encoding="utf-8")
    assert list(workspace.adapter_problems()) == ["bank"]


def test_an_answer_ends_on_the_version_that_started_it(workspace: Workspace, registry: Registry) -> None:
    events = workspace.ask(question())
    next(events)
    registry.promote("bank", 2)
    (answer,) = [event.answer for event in events if hasattr(event, "answer")]
    assert (answer.adapter, answer.text) == ("bank@1", SENTENCES[1])


def test_feedback_names_the_version(workspace: Workspace) -> None:
    answer = workspace.answer(question("bank@3"))
    workspace.feedback(answer.id, "up")
    assert [given.adapter for given in workspace.feedback_on("bank")] == ["bank@3"]


@pytest.mark.parametrize("named", ["nobody", "bank@9", "bank@previous"])
def test_what_does_not_exist_is_reported_with_what_does(workspace: Workspace, named: str) -> None:
    with pytest.raises(NotFoundError, match="bank|1, 2, 3, 4"):
        workspace.ask(question(named))


@pytest.mark.parametrize("named", ["../bank", "bank@x", "a b"])
def test_what_is_no_name_is_refused(workspace: Workspace, named: str) -> None:
    with pytest.raises(InputError):
        workspace.ask(question(named))


@pytest.mark.parametrize(
    ("adapter", "collection", "expected"),
    [
        (None, "staff", None),
        ("fees@1", "staff", "fees@1"),
        ("base", "staff", None),
        ("fees", "fees", "fees@2"),
    ],
)
def test_the_setting_answers_where_no_adapter_has_the_collections_name(
    settings: Settings,
    registry: Registry,
    base: Path,
    adapter: str | None,
    collection: str,
    expected: str | None,
) -> None:
    fill(registry, base, "fees")
    registry.promote("fees", 2)
    chosen = choose(registry, settings.model_copy(update={"adapter": adapter}), None, collection)
    assert (chosen.reference if chosen else None) == expected


def test_the_shipped_adapter_answers_where_it_fits_the_generator(
    settings: Settings, base: Path, tmp_path: Path
) -> None:
    maker = Registry(tmp_path / "shipped")
    fill(maker, base, "general", versions=1)
    registry = Registry(settings.home / "adapters", tmp_path / "shipped")
    assert choices(registry, settings, "staff") == ["general", "base"]
    chosen = choose(registry, settings, None, "staff")
    assert chosen is not None
    assert chosen.reference == "general@1"
    other = settings.model_copy(update={"generator": "/models/other"})
    assert choices(registry, other, "staff") == ["base", "general"]
    assert choose(registry, settings.model_copy(update={"adapter": "base"}), None, "staff") is None
    registry.rollback("general")
    assert choose(registry, settings, None, "staff") is None


def test_what_is_shipped_is_whole_and_fits_the_prompt() -> None:
    registry = Registry(Path(shipped.__path__[0]))
    for name in registry.names():
        entry = registry.find(name)
        check_fits(entry, None, PROMPT_VERSION)
        assert entry.manifest is not None
        assert entry.manifest.notices
        assert all(data.licence for data in entry.manifest.data)


def test_what_is_shipped_is_not_for_a_generator_that_loads_no_adapters(
    settings: Settings, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(Registry(tmp_path / "shipped"), base, "general", versions=1)
    monkeypatch.setattr("app.adapters.SHIPPED", tmp_path / "shipped")
    for generator, names in ((FakeHost(base), ["general", "base"]), (FakeGenerator(), ["base"])):
        with Workspace(settings, FakeEmbedder(), generator) as workspace:
            assert workspace.adapters() == names


def test_an_adapter_for_another_base_is_refused_until_that_base_is_loaded(
    workspace: Workspace, registry: Registry, base: Path
) -> None:
    other = described(base, base=Base(id="other", digest="e" * 64))
    number = registry.register("bank", peft_folder(base.parent / "foreign"), other)
    with pytest.raises(MismatchError, match="trained on other"):
        workspace.ask(question(f"bank@{number}"))
    assert workspace.answer(question()).adapter == "bank@1"


def test_an_adapter_for_another_prompt_is_refused(
    workspace: Workspace, registry: Registry, base: Path
) -> None:
    other = described(base, prompt_version=PROMPT_VERSION + 1)
    number = registry.register("bank", peft_folder(base.parent / "newer"), other)
    with pytest.raises(MismatchError, match="of the prompt"):
        workspace.ask(question(f"bank@{number}"))


def test_a_damaged_version_is_refused_before_anything_is_written(
    workspace: Workspace, registry: Registry, host: FakeHost
) -> None:
    (registry.get("bank", 3).folder / "adapter_model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="bank@3 is damaged"):
        workspace.ask(question("bank@3"))
    assert host.requests == []


def test_each_version_is_checked_and_given_to_the_generator_once(
    workspace: Workspace, host: FakeHost
) -> None:
    for adapter in ("bank", "bank@1", None, "bank@2", "bank@2"):
        workspace.answer(question(adapter))
    assert [name for name, _ in host.added] == ["bank@1", "bank@2"]
    assert isinstance(host, AdapterHost)


def test_a_registry_made_again_is_not_mistaken_for_the_old_one(
    workspace: Workspace, registry: Registry, base: Path, host: FakeHost
) -> None:
    workspace.answer(question("bank@1"))
    registry.promote("bank", 2)
    registry.remove("bank", 1)
    (registry.folder / "bank").rename(registry.folder / ".old")
    registry.register("bank", peft_folder(base.parent / "anew", seed=77), described(base))
    workspace.answer(question("bank@1"))
    assert [name for name, _ in host.added] == ["bank@1", "bank@1"]
    assert len({version for _, version in host.added}) == 2


def test_a_plain_folder_answers_under_its_name_and_again_when_it_is_replaced(
    workspace: Workspace, registry: Registry, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base of these tests has no layers that a folder could be compared with."""
    monkeypatch.setattr("answering.generation.adapters.check_adapter", lambda folder, base: None)
    folder = peft_folder(registry.folder / "fees")
    assert workspace.adapters() == ["bank", "base", "fees"]
    assert workspace.answer(question("fees")).adapter == "fees"
    peft_folder(folder, seed=1)
    (folder / "adapter_model.safetensors").touch()
    workspace.answer(question("fees"))
    assert [name for name, _ in host.added] == ["fees", "fees"]


def test_a_remote_generator_only_gets_the_name(settings: Settings, registry: Registry, base: Path) -> None:
    fill(registry, base)
    served = ServedAdapters(FakeGenerator(adapters=["bank@1"]), USUAL)
    assert served.serve(registry.find("bank")) == "bank@1"
    assert served.serve(None) == "base"
    assert served.reading("bank@1") != USUAL == served.reading("base") == served.reading(None)


def test_a_manifest_says_how_to_read(registry: Registry, base: Path) -> None:
    stored = AdapterReading(
        mode="together",
        passages=2,
        kept_sentences=None,
        examples=True,
        calibrations={"scored": Calibration(weights={"cosine": 2.0}, bias=-1.0, threshold=0.3)},
    )
    folder = peft_folder(base.parent / "made")
    registry.register("bank", folder, described(base, reading=stored))
    assert reading_of(registry.get("bank", 1), USUAL) == replace(
        USUAL,
        mode="together",
        passages=2,
        kept_sentences=None,
        examples=True,
        scored=Calibration({"cosine": 2.0}, -1.0, 0.3),
    )


def test_without_a_word_on_reading_it_is_as_usual(registry: Registry, base: Path) -> None:
    folder = peft_folder(base.parent / "made")
    registry.register("bank", folder)
    registry.register("bank", folder, described(base, reading={"kept_sentences": 1}))
    assert reading_of(registry.get("bank", 1), USUAL) == USUAL
    assert reading_of(registry.get("bank", 2), USUAL) == replace(USUAL, kept_sentences=1, examples=False)


def test_signals_that_are_not_known_are_refused(registry: Registry, base: Path) -> None:
    stored = {"calibrations": {"scored": {"weights": {"mood": 1.0}, "bias": 0.0, "threshold": 0.5}}}
    registry.register("bank", peft_folder(base.parent / "made"), described(base, reading=stored))
    with pytest.raises(MismatchError, match="unknown signals: mood"):
        reading_of(registry.get("bank", 1), USUAL)


def test_an_adapter_is_prepared_when_models_are_loaded_in_the_background(
    workspace: Workspace, host: FakeHost
) -> None:
    workspace.warm_up(lambda _: None)
    end = time.monotonic() + 10
    while not host.added and time.monotonic() < end:
        time.sleep(0.01)
    assert [name for name, _ in host.added] == ["bank@1"]


def test_twenty_threads_ask_while_versions_are_promoted_and_rolled_back(
    workspace: Workspace, registry: Registry, host: FakeHost
) -> None:
    """None fails, and each answer is that of the version it names, which was live while it was asked."""
    registry.promote("bank", 2)
    chance = random.Random(20261123)
    over = threading.Event()
    answers: list[Answer] = []
    failures: list[Exception] = []

    def ask() -> None:
        names = itertools.cycle([None, "bank"])
        while not over.wait(0.2):  # else twenty threads leave no time for the one that promotes
            try:
                answers.append(workspace.answer(question(next(names))))
            except Exception as error:  # noqa: BLE001 - whatever it is, it fails the test
                failures.append(error)
                return

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    live: set[int | None] = {2}
    for step in range(50):
        before = len(answers)
        if step % 2:
            live.add(registry.rollback("bank").live)
        else:
            live.add(registry.promote("bank", chance.randint(1, VERSIONS)).live)
        while len(answers) < before + 2 and not failures:
            time.sleep(0.001)
    over.set()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert len(answers) >= 100
    assert {answer.text for answer in answers} <= set(SENTENCES)
    told = {(answer.adapter, SENTENCES.index(answer.text)) for answer in answers}
    assert all(adapter == f"bank@{number}" for adapter, number in told)
    assert {number for _, number in told} <= live
    assert len(told) > 1
    assert len(host.added) == len({name for name, _ in host.added})


def test_what_is_written_about_an_answer_is_what_the_registry_says(
    workspace: Workspace, registry: Registry
) -> None:
    answer = workspace.answer(question())
    entry = registry.find(answer.adapter)
    assert json.loads((entry.folder / "manifest.json").read_text(encoding="utf-8"))["version"] == 1
