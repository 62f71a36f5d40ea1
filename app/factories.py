"""Builds what the settings name: embedder, generator, reranker, the place of the collections.

Each function imports what it builds: a command pays for nothing that it does not use.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import answering
from answering.generation.gemma import GEMMA
from answering.generation.protocol import Limits
from app.settings import Settings
from retrieval.e5 import E5_SMALL
from retrieval.models import PackagedModel, Progress, resolve, silent, torch_device

if TYPE_CHECKING:
    from answering.answer import Reading
    from answering.generation.langchain import LangChainGenerator
    from answering.generation.protocol import Generator
    from answering.generation.remote.generator import RemoteGenerator
    from retrieval.collections import Collections
    from retrieval.context import Embed
    from retrieval.elasticsearch import ElasticsearchHome
    from retrieval.fusion import Reranker
    from retrieval.relevance import Relevance
    from retrieval.values import Embedder

# The models that are installed as packages with domainqa.
PACKAGED: tuple[PackagedModel, ...] = (E5_SMALL, GEMMA)
# Before the name of a generator that LangChain reaches: langchain:PROVIDER:MODEL.
LANGCHAIN = "langchain:"
CALIBRATION_FILE = Path(answering.__path__[0]) / "calibration.json"
# Room for instruction, examples and question beside the passage; every context window has it.
_PASSAGE_TOKENS = 700
# Sentences of a passage that the model reads. The packaged Gemma without an adapter, on 25 questions each of
# SQuAD's training set and of the sample bank: F1 .45 and .56 with two, .38 and .55 with whole passages.
_KEPT_SENTENCES = 2


def limit_threads(settings: Settings) -> None:
    """Let torch compute with as many threads as the settings say; the setting holds for the whole process."""
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)


def model_folder(name: str, cache: Path, progress: Progress = silent) -> Path:
    """The folder of a packaged model, a model folder, or one of the hub; raises ModelError."""
    return resolve(name, cache, PACKAGED, progress)


def open_collections(settings: Settings) -> Collections:
    """Where collections are kept: Elasticsearch where the settings name one, else the home folder.

    Nothing is sent to the cluster yet. Raises SettingsError for an address that is none.
    """
    if settings.elasticsearch_url is None:
        from retrieval.embedded import Home

        return Home(settings.home)
    return open_cluster(settings, settings.elasticsearch_url)


def open_cluster(settings: Settings, url: str) -> ElasticsearchHome:
    """The collections of the cluster `url`; as `open_collections`."""
    from retrieval.elasticsearch import ClusterSettings, connect
    from retrieval.elasticsearch.home import ElasticsearchHome

    key = settings.elasticsearch_api_key
    cluster = ClusterSettings(
        url=url,
        api_key=key.get_secret_value() if key else "",
        ca_file=settings.elasticsearch_ca_file,
        prefix=settings.elasticsearch_prefix,
        analyzer=settings.elasticsearch_analyzer,
        shards=settings.elasticsearch_shards,
        timeout=settings.elasticsearch_timeout,
    )
    return ElasticsearchHome(connect(cluster), settings.home)


def build_embedder(settings: Settings, progress: Progress = silent) -> Embedder:
    """The embedder of the settings, unpacked first if it is packaged; ModelError if it cannot be loaded."""
    from retrieval.embedder import SentenceTransformerEmbedder

    limit_threads(settings)
    folder = model_folder(settings.embedder, settings.models_cache, progress)
    return SentenceTransformerEmbedder(folder, id=settings.embedder, device=settings.device)


def runs_in_process(settings: Settings) -> bool:
    """Whether the generator of the settings runs in this process."""
    return settings.generator_url is None and not settings.generator.startswith(LANGCHAIN)


def build_generator(settings: Settings, progress: Progress = silent) -> Generator:
    """The generator of the settings, without adapters.

    Raises ModelError if it cannot be loaded, UnavailableError if its server does not answer.
    """
    if settings.generator.startswith(LANGCHAIN):
        return build_langchain_generator(settings)
    if settings.generator_url is not None:
        return build_remote_generator(settings, settings.generator_url)
    from answering.generation.in_process import InProcessGenerator

    limit_threads(settings)
    folder = model_folder(settings.generator, settings.models_cache, progress)
    limits = Limits(
        prefix_bytes=settings.prompt_cache_megabytes * 2**20,
        adapter_bytes=settings.adapter_cache_megabytes * 2**20,
    )
    return InProcessGenerator(folder, device=settings.device, limits=limits)


def build_remote_generator(settings: Settings, url: str) -> RemoteGenerator:
    """The generator at the server `url`; UnavailableError if it does not answer."""
    from answering.generation.remote.endpoint import Endpoint
    from answering.generation.remote.generator import open_remote

    endpoint = Endpoint(
        url=url,
        model=settings.generator,
        key=settings.generator_api_key,
        connect_seconds=settings.generator_connect_seconds,
        read_seconds=settings.generator_read_seconds,
    )
    return open_remote(endpoint)


def build_langchain_generator(settings: Settings) -> LangChainGenerator:
    """The generator that LangChain reaches; SettingsError names what is missing."""
    from answering.generation.langchain import open_langchain

    options: dict[str, object] = {}
    if settings.generator_url is not None:
        options["base_url"] = settings.generator_url
    if settings.generator_api_key is not None:
        options["api_key"] = settings.generator_api_key
    return open_langchain(settings.generator.removeprefix(LANGCHAIN), **options)


def build_reranker(settings: Settings) -> Reranker | None:
    """The cross-encoder of the settings, or None where none is named."""
    if settings.reranker is None:
        return None
    from retrieval.fusion import CrossEncoderReranker

    limit_threads(settings)
    folder = model_folder(settings.reranker, settings.models_cache)
    return CrossEncoderReranker(str(folder), torch_device(settings.device), settings.reranker)


def build_relevance(settings: Settings, embedder: Embedder) -> Relevance | None:
    """What reads questions and lines together: the packaged embedder's weights with an adapter.

    Where these are also what searches, both share the tokenizer. None where the settings do not want it, or
    beside an embedder that is no model.
    """
    from retrieval.embedder import SentenceTransformerEmbedder
    from retrieval.relevance import RelevanceModel

    if not settings.relevance or not isinstance(embedder, SentenceTransformerEmbedder):
        return None
    folder = model_folder(E5_SMALL.name, settings.models_cache)
    if embedder.id != E5_SMALL.name:
        embedder = SentenceTransformerEmbedder(folder, id=E5_SMALL.name)
    return RelevanceModel(folder, embedder.tokenize)


def build_reading(settings: Settings) -> Reading:
    """How the base model reads, with its calibration; adapters may bring ways of their own."""
    from answering.answer import Reading
    from answering.free import FreeReading
    from answering.sufficiency import load_calibrations

    calibrations = load_calibrations(CALIBRATION_FILE)
    return Reading(
        passages=settings.read_k,
        passage_tokens=_PASSAGE_TOKENS,
        max_new_tokens=settings.max_new_tokens,
        scored=calibrations["scored"],
        unscored=calibrations["unscored"],
        kept_sentences=_KEPT_SENTENCES,
        profile=settings.reading,
        free=FreeReading(
            passages=min(settings.free_passages, settings.depth),
            context=settings.generator_context,
            max_new_tokens=settings.free_new_tokens,
        ),
    )


def sentence_embedding(embedder: Embedder) -> Embed:
    """Texts to unit vectors alike, for comparing questions and answers with the sentences of passages."""
    return partial(embedder.embed, kind="passage")
