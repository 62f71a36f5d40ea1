"""The words of report pages in English."""

from finetune.report.text_fields import ReportWords

EN = ReportWords(
    language="en",
    title_retraining="Retraining of {name}",
    title_training="Training of {name}",
    title_evaluation="Evaluation on {name}",
    title_pairs="Pairs of {name}",
    candidate_made="Candidate {version} · {made}",
    adapter_made="Adapter in {folder} · {made}",
    collection_made="Collection {collection} · {made}",
    promoted="Promoted",
    rejected="Rejected",
    none_recorded="None recorded.",
    measured="How well each answers",
    measured_hint=(
        "Small figures are the ends of {confidence} % bootstrap intervals. EM, F1, hits and wrong "
        "refusals are over the questions that can be answered, a refused one counting as 0; right "
        "refusals are over those that cannot. Seconds are the median, and what 95 % of the replies "
        "kept to. Each was asked with the retrieval that serves."
    ),
    nothing_measured="Nothing was evaluated.",
    group_all="All questions",
    group_en="English",
    group_zh="Chinese",
    cases="{n} cases",
    contender="Contender",
    base="base",
    examples="base + examples",
    live="live",
    candidate="candidate",
    no_context="candidate, no context",
    right_refusals="Rightly refused",
    wrong_refusals="Wrongly refused",
    refusals_right="Refusals right",
    citations="Citation right",
    hits="Evidence found",
    seconds="Seconds",
    gains="Gains in F1",
    gains_hint=(
        "On the same questions that can be answered; surely better is what lies above zero with both ends."
    ),
    over="Over",
    gain="Gain",
    interval="Interval",
    to="{low} to {high}",
    forgetting="Forgetting",
    forgetting_hint="Mean loss on general text in nats a token, which should not rise.",
    text="Text",
    together="Together",
    rise="Rise",
    tokens="Tokens",
    curves="Curves",
    loss="Loss",
    loss_by_step="Loss by step",
    loss_axis="loss (nats a token)",
    step_axis="step",
    loss_training="in training",
    loss_held_back="on held-out pairs",
    no_loss="No loss was recorded.",
    refusals="Refusals",
    refusals_against="Right against wrong refusals",
    refused_wrongly_axis="wrongly refused",
    refused_rightly_axis="rightly refused",
    refusal_line="{name}, area {area}, {right} right at {allowed} wrong",
    refusals_hint=(
        "A line further to the upper left is better. A dot is the threshold in use, the dashed line "
        "what is allowed."
    ),
    no_refusals="No refusal curve: it needs questions with and without an answer.",
    trained_on="What it was trained on",
    measured_on="What was asked",
    became="What became of the pairs",
    counts="Counts",
    what="What",
    number="Number",
    nothing_counted="Nothing was counted.",
    dropped="Dropped pairs",
    reason="Reason",
    none_dropped="No pair was dropped.",
    each_dropped="Each dropped pair",
    place="From",
    question="Question",
    sources="Sources",
    source="Source",
    licence="Licence",
    not_stated="not stated",
    pairs="Pairs",
    count_pairs_given="pairs given",
    count_pairs_learned="pairs learned",
    count_pairs_fitting="pairs for the calibration",
    count_pairs_heldout="pairs held out",
    count_pairs_kept="pairs kept",
    count_pairs_dropped="pairs dropped",
    count_tasks_kept="tasks kept",
    count_tasks_learned="tasks learned",
    count_tasks_heldout="tasks held out",
    count_samples_answer="samples: answer",
    count_samples_refusal="samples: refusal",
    count_samples_together="samples: passages together",
    count_samples_task="samples: other tasks",
    count_samples_text="samples: plain text",
    count_steps="steps",
    count_scale="scale of the adapter, per cent (less where it would have forgotten too much)",
    count_cases_answerable="questions that can be answered",
    count_cases_unanswerable="questions that no document answers",
    count_cases_removed="questions whose evidence was taken out",
    regressions="Worst regressions",
    regressions_hint="Where it lost most against the best other contender.",
    no_regressions="None: no reply is worse than that of the best other contender.",
    side_by_side="Examples side by side",
    drawn="Drawn at random.",
    none="None.",
    wanted="Wanted:",
    wanted_removed="a refusal, since the evidence was taken out of the search",
    wanted_refusal="a refusal, since no document says it",
    right="right",
    wrong="wrong",
    refused="Refused",
    confidence="confidence {percent} %",
    cites="cites {document}",
    making="How it was made",
    settings="Settings",
    versions="Versions",
    digests="Digests",
    reason_few_answerable=(
        "There are too few cases to judge: {count} questions that can be answered, at least {least} "
        "are needed."
    ),
    reason_few_unanswerable=(
        "There are too few cases to judge: {count} questions that must be refused, at least {least} "
        "are needed."
    ),
    reason_no_other="There is no other contender to compare with.",
    reason_not_better=(
        "Its answers are not surely better than those of {name}: the gain in F1 is {gain:+.3f} "
        "({confidence:.0%} interval {low:+.3f} to {high:+.3f})."
    ),
    reason_wrong_refusals=(
        "It refuses {share:.0%} of the questions that can be answered, at most {most:.0%} are allowed."
    ),
    reason_few_refusals=(
        "It refuses {share:.0%} of the questions that must be refused, at least {least:.0%} are wanted."
    ),
    reason_fewer_refusals=(
        "It refuses {share:.0%} of the questions that must be refused, the live adapter {live:.0%}; "
        "it may fall by {most:.0%} at most."
    ),
    reason_forgets=(
        "It forgets: the loss on general text rises by {rise:.3f} nats a token, at most {most:.3f} "
        "is allowed."
    ),
    reason_forgetting_unknown="What it forgets could not be measured.",
    reason_slow=(
        "It is too slow: an answer takes {seconds:.2f} seconds (median), {name} takes {before:.2f}, "
        "and {ratio:g} times that is allowed."
    ),
    reason_better=(
        "Its answers are surely better: F1 {f1:.3f}, and the gain over {name}, the best other "
        "contender, is {gain:+.3f} ({confidence:.0%} interval {low:+.3f} to {high:+.3f}). Refusals, "
        "forgetting and time are within their limits."
    ),
    reason_from_memory=(
        "Warning: without any passage it still reaches F1 {without:.3f}, against {f1:.3f} with them. "
        "It seems to answer from memory, which no citation can carry."
    ),
    reason_reads_focused=(
        "It reads passages one by one, narrowed to the sentences nearest to the question: F1 {gain:+.3f} "
        "over the best other way, on {count} questions."
    ),
    reason_reads_each=(
        "It reads passages one by one and whole: F1 {gain:+.3f} over the best other way, on {count} "
        "questions."
    ),
    reason_reads_together=(
        "It reads all passages together: F1 {gain:+.3f} over the best other way, on {count} questions."
    ),
    reason_reads_uncompared=(
        "It reads passages one by one: there were no questions to compare other ways on."
    ),
    reason_reads_nothing="It learned tasks only, which read no passages.",
    reason_refuses_as_base="It refuses as the base does: {cause}",
)
