"""What operators watch: seconds of each stage, refusals, tokens, what the caches save, how many wait.

Prometheus asks for it, and OpenTelemetry is sent the most of it; each answer is a line of the log and a span.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from answering.generation.protocol import Caching, Generator, TokenCounts
from answering.values import Answer, Event, Finished
from app import log
from app.telemetry import meter, now, trace_answer

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


class Metrics:
    """Counts of one process, in Prometheus' text format. Safe for many threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._stages = Histogram(
            "domainqa_stage_seconds",
            "Seconds of each stage of an answer.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._answers = Counter(
            "domainqa_answers",
            "Finished answers, by adapter and whether they were refusals.",
            ["adapter", "refused"],
            registry=self._registry,
        )
        self._citations = Counter("domainqa_citations", "Citations in answers.", registry=self._registry)
        self._searches = Counter(
            "domainqa_searches",
            "Questions that were searched for, by whether the passages were still known.",
            ["cached"],
            registry=self._registry,
        )
        self._sent_stages = meter.create_histogram("domainqa.stage.duration", "s", "Each stage of an answer.")
        self._sent_answers = meter.create_counter("domainqa.answers", "{answer}", "Finished answers.")
        self._watched: dict[str, Gauge] = {}
        self.log: log.Write = log.nowhere

    def watching(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events as they come; a finished answer is counted."""
        for event in events:
            if isinstance(event, Finished):
                self._count(event.answer)
            yield event

    def searched(self, questions: int, cached: int) -> None:
        """Count a search; see `retrieval.retriever.OnSearch`."""
        self._searches.labels("true").inc(cached)
        self._searches.labels("false").inc(questions - cached)

    def watch_generator(self, generator: Generator) -> None:
        """Show what a generator reads, writes and keeps in memory."""
        self._registry.register(_Tokens(generator.tokens))
        if isinstance(generator, Caching):
            self._registry.register(_Held(generator))

    def watch(self, name: str, told: str, value: Callable[[], float]) -> None:
        """Show a number that is asked for whenever somebody looks; of several of one name, the last."""
        if name not in self._watched:
            self._watched[name] = Gauge(name, told, registry=self._registry)
        self._watched[name].set_function(value)

    def text(self) -> bytes:
        """Everything so far."""
        return generate_latest(self._registry)

    def _count(self, answer: Answer) -> None:
        for stage, seconds in answer.trace.seconds.items():
            self._stages.labels(stage).observe(seconds)
            self._sent_stages.record(seconds, {"stage": stage})
        self._answers.labels(answer.adapter, str(answer.refused).lower()).inc()
        self._sent_answers.add(1, {"adapter": answer.adapter, "outcome": answer.outcome})
        self._citations.inc(len(answer.citations))
        trace_answer(answer, now())
        self.log(
            "answer",
            answer=answer.id,
            collection=answer.collection,
            adapter=answer.adapter,
            outcome=answer.outcome,
            kind=answer.kind,
            confidence=answer.confidence,
            citations=len(answer.citations),
            seconds=round(answer.seconds, 4),
            stages={stage: round(seconds, 4) for stage, seconds in answer.trace.seconds.items()},
        )


class _Tokens(Collector):
    """A generator's own counts, asked for whenever somebody looks."""

    def __init__(self, tokens: TokenCounts) -> None:
        self._tokens = tokens

    def collect(self) -> Iterator[CounterMetricFamily]:
        """One number for each kind."""
        told = "Tokens of prompts, those of them that were read before, and those that were written."
        family = CounterMetricFamily("domainqa_tokens", told, labels=["kind"])
        for kind, total in self._tokens.totals().items():
            family.add_metric([kind], total)
        yield family


class _Held(Collector):
    """What a generator keeps in memory, asked for whenever somebody looks."""

    def __init__(self, generator: Caching) -> None:
        self._generator = generator

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One number for each kind."""
        told = "Bytes of prompts that were read and of adapters, kept for later questions."
        family = GaugeMetricFamily("domainqa_cache_bytes", told, labels=["kind"])
        for kind, size in self._generator.held_bytes().items():
            family.add_metric([kind], size)
        yield family
