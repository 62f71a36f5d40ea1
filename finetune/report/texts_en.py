"""The words of report pages: their names, and what they are in English."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from finetune.reasons import ReasonKind
from retrieval.prompt import Language

# In braces: what `str.format` fills in. Where reasons are counted, figures are shown as "…".
REASONS: dict[ReasonKind, str] = {
    "few_answerable": "Too few test questions: {count} are answerable, at least {least} are needed.",
    "few_unanswerable": "Too few test questions: {count} are unanswerable, at least {least} are needed.",
    "no_other": "There is no other contender to compare with.",
    "not_better": (
        "Its answers are not better than those of {name} with statistical confidence: the F1 gain is "
        "{gain:+.3f} ({confidence:.0%} interval {low:+.3f} to {high:+.3f})."
    ),
    "wrong_refusals": "It refuses {share:.0%} of the answerable questions; the limit is {most:.0%}.",
    "few_refusals": "It refuses {share:.0%} of the unanswerable questions; the minimum is {least:.0%}.",
    "fewer_refusals": (
        "It refuses {share:.0%} of the unanswerable questions, the live adapter {live:.0%}; "
        "the allowed drop is {most:.0%}."
    ),
    "forgets": (
        "It forgets: the loss on general text rises by {rise:.3f} nats per token; the limit is {most:.3f}."
    ),
    "forgetting_unknown": "Forgetting could not be measured.",
    "slow": (
        "It is too slow: the median answer takes {seconds:.2f} seconds, that of {name} {before:.2f}; "
        "the limit is {ratio:g} times that."
    ),
    "slow_first_word": (
        "It is too slow: the first word takes {seconds:.2f} seconds (median), with {name} {before:.2f}; "
        "the limit is {ratio:g} times that."
    ),
    "slow_words": (
        "It writes too slowly: {seconds:.3f} seconds per word (median), with {name} {before:.3f}; "
        "the limit is {ratio:g} times that."
    ),
    "better": (
        "Its answers are better with statistical confidence: F1 {f1:.3f}; the gain over {name}, the best "
        "other contender, is {gain:+.3f} ({confidence:.0%} interval {low:+.3f} to {high:+.3f}). Refusals, "
        "forgetting and time are within their limits."
    ),
    "kind_gained": (
        "Gained on {question_kind}: F1 {gain:+.3f} against {name} ({confidence:.0%} interval {low:+.3f} to "
        "{high:+.3f}, {count} questions)."
    ),
    "kind_lost": (
        "Lost on {question_kind}: F1 {gain:+.3f} against {name} ({confidence:.0%} interval {low:+.3f} to "
        "{high:+.3f}, {count} questions; the allowed loss is {most:.2f})."
    ),
    "from_memory": (
        "Warning: without any passage it still reaches F1 {without:.3f}, against {f1:.3f} with passages. "
        "It may be answering from memory, which citations cannot support."
    ),
    "reads_compressed": (
        "Reading mode: one passage at a time, cut to the sentences nearest to the question; F1 {gain:+.3f} "
        "against the next best mode on {count} questions."
    ),
    "reads_each": (
        "Reading mode: one whole passage at a time; F1 {gain:+.3f} against the next best mode on {count} "
        "questions."
    ),
    "reads_together": (
        "Reading mode: all passages in one prompt; F1 {gain:+.3f} against the next best mode on {count} "
        "questions."
    ),
    "reads_uncompared": "Reading mode: one passage at a time; there were no questions to compare modes on.",
    "reads_nothing": "It was trained on tasks only, which use no passages.",
    "refuses_as_base": "It refuses by the thresholds of the base model: {cause}",
    "unreadable": "{cause}",
    "question_empty": "the question is empty",
    "answer_empty": "one of the answers is empty",
    "question_too_long": "the question is too long: {length} characters, the limit is {most}",
    "sentence_too_long": "the sentence is too long: {length} characters, the limit is {most}",
    "answer_too_long": "the answer is too long: {length} characters, the limit is {most}",
    "question_holds_answer": "the question contains its answer",
    "unknown_language": "the question is neither English nor Chinese",
    "unwanted_language": "the question is in a language that the options exclude: {language}",
    "personal_data": "it contains personal data: {personal}",
    "personal_answer": "the answer is personal data: {personal}",
    "repeated": "nearly the same question and answer as {id}",
    "contradicts": "contradicts {id}: same question, different answer",
    "evidence_nowhere": "no document contains the evidence: {quote}",
    "document_unknown": "the evidence names a document that is not in the collection: {document}",
    "evidence_not_there": "{document} does not contain the evidence: {quote}",
    "answer_not_in_evidence": "the evidence does not contain the answer: {answer}",
    "answer_not_found": "none of the passages found for the question contains the answer: {answer}",
    "nothing_written": "the model's reply contains no question with an answer",
    "no_question": "the question does not end like a question",
    "question_vague": "the question is too short or too general",
    "answer_vague": "the answer has no content",
    "answer_refusal": "the answer is a refusal",
    "answer_not_in_passage": "the passage does not contain the answer",
    "answer_is_passage": "the answer is almost the whole passage",
    "answer_in_no_sentence": "no single sentence of the passage contains the answer",
    "passage_not_found": "the passage is not among the first {k} found for the question",
    "repeated_question": "nearly the same question as {id}",
    "ambiguous": "nearly the same question as {id}, with different answers",
    "shares_document": "shares a document with the test pair {id}",
    "asks_the_same": "asks nearly the same as the test pair {id}",
    "quotes_the_same": "quotes nearly the same as the test pair {id}",
    "evidence_in_no_passage": "no passage contains the whole evidence",
    "beyond_context": "prompt and reply are longer than the model can read: {most} tokens",
    "thumb_down": "a thumbs-down without a corrected answer does not give the right answer",
    "uncited": "the answer was shown without a citation",
}

COUNTS = {
    "pairs_given": "pairs given",
    "pairs_train": "training pairs",
    "pairs_calibration": "calibration pairs",
    "pairs_test": "test pairs",
    "pairs_kept": "pairs kept",
    "pairs_dropped": "pairs dropped",
    "tasks_kept": "tasks kept",
    "tasks_train": "training tasks",
    "tasks_test": "test tasks",
    "samples_answer": "samples: answer",
    "samples_refusal": "samples: refusal",
    "samples_together": "samples: all passages together",
    "samples_task": "samples: other tasks",
    "steps": "training steps",
    "scale": "scale of the adapter in percent (below 100 if it would have forgotten too much)",
    "cases_answerable": "answerable questions",
    "cases_unanswerable": "questions that no document answers",
    "cases_removed": "questions whose evidence was removed from the search",
}

GROUPS = {
    "all": "All questions",
    "en": "English",
    "zh": "Chinese",
    "fact": "facts",
    "yesno": "yes-or-no questions",
    "howto": "how-to questions",
    "list": "lists",
    "compare": "comparisons",
    "condition": "conditions",
    "definition": "definitions",
    "summary": "summaries",
    "chat": "small talk",
}

CONTENDERS = {
    "base": "base",
    "base + examples": "base + examples",
    "live": "live",
    "candidate": "candidate",
    "candidate, no context": "candidate, no context",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWords:
    """The words of one language; the defaults are English. Names in braces are filled in by `str.format`."""

    reasons: Mapping[ReasonKind, str] = field(default_factory=lambda: REASONS)
    counts: Mapping[str, str] = field(default_factory=lambda: COUNTS)
    groups: Mapping[str, str] = field(default_factory=lambda: GROUPS)
    contenders: Mapping[str, str] = field(default_factory=lambda: CONTENDERS)
    language: Language = "en"
    # Pages
    title_retraining: str = "Retraining of {name}"
    title_training: str = "Training of {name}"
    title_evaluation: str = "Evaluation on {name}"
    title_pairs: str = "Pairs of {name}"
    candidate_made: str = "Candidate {version} · {made}"
    adapter_made: str = "Adapter in {folder} · {made}"
    collection_made: str = "Collection {collection} · {made}"
    promoted: str = "Promoted"
    rejected: str = "Rejected"
    none_recorded: str = "None recorded."
    # Figures
    measured: str = "Test results"
    measured_hint: str = (
        "Small figures are the ends of {confidence} % bootstrap intervals. EM, F1, evidence found and wrong "
        "refusals are computed over the answerable questions, where a refusal counts as 0; right refusals "
        "over the unanswerable ones. Seconds are the median and the 95th percentile per answer. Every "
        "contender used the same retrieval as users do."
    )
    nothing_measured: str = "Nothing was evaluated."
    cases: str = "{n} questions"
    contender: str = "Contender"
    right_refusals: str = "Rightly refused"
    wrong_refusals: str = "Wrongly refused"
    refusals_right: str = "Refusals right"
    citations: str = "Citation right"
    hits: str = "Evidence found"
    seconds: str = "Seconds"
    gains: str = "Gains in F1"
    gains_hint: str = (
        "On the same answerable questions. A contender is better with statistical confidence if its whole "
        "interval is above zero."
    )
    over: str = "Over"
    gain: str = "Gain"
    interval: str = "Interval"
    to: str = "{low} to {high}"
    forgetting: str = "Forgetting"
    forgetting_hint: str = "Mean loss on general text in nats per token; it should not rise."
    text: str = "Text"
    together: str = "Together"
    rise: str = "Rise"
    tokens: str = "Tokens"
    # Curves
    curves: str = "Curves"
    loss: str = "Loss"
    loss_by_step: str = "Loss by step"
    loss_axis: str = "loss (nats per token)"
    step_axis: str = "step"
    loss_training: str = "training"
    loss_held_back: str = "validation"
    no_loss: str = "No loss was recorded."
    refusals: str = "Refusals"
    refusals_against: str = "Right against wrong refusals"
    refused_wrongly_axis: str = "wrongly refused"
    refused_rightly_axis: str = "rightly refused"
    refusal_line: str = "{name}: area {area}; {right} refused rightly where {allowed} are refused wrongly"
    refusals_hint: str = (
        "A curve nearer to the upper left is better. The dot is the threshold in use, the dashed line the "
        "allowed fraction of wrong refusals."
    )
    no_refusals: str = "No refusal curve: it needs answerable and unanswerable questions."
    # Pairs
    trained_on: str = "Training data"
    measured_on: str = "Test data"
    became: str = "Pairs kept and dropped"
    totals: str = "Counts"
    what: str = "What"
    number: str = "Number"
    nothing_counted: str = "Nothing was counted."
    dropped: str = "Dropped pairs"
    reason: str = "Reason"
    none_dropped: str = "No pair was dropped."
    each_dropped: str = "Each dropped pair"
    place: str = "From"
    question: str = "Question"
    sources: str = "Sources"
    source: str = "Source"
    licence: str = "Licence"
    not_stated: str = "not stated"
    pairs: str = "Pairs"
    # Replies
    regressions: str = "Worst regressions"
    regressions_hint: str = "Questions with the largest loss of F1 against the best other contender."
    no_regressions: str = "None: no answer is worse than that of the best other contender."
    side_by_side: str = "Answers side by side"
    drawn: str = "A random sample."
    none: str = "None."
    wanted: str = "Expected:"
    wanted_removed: str = "a refusal, because the evidence was removed from the search"
    wanted_refusal: str = "a refusal, because no document answers it"
    right: str = "right"
    wrong: str = "wrong"
    refused: str = "Refused"
    confidence: str = "confidence {percent} of 100"
    cites: str = "cites {document}"
    # Making
    making: str = "How it was made"
    settings: str = "Options"
    versions: str = "Versions"
    digests: str = "Digests"
