"""The words of report pages in Chinese."""

from finetune.reasons import ReasonKind
from finetune.report.texts_en import ReportWords

REASONS: dict[ReasonKind, str] = {
    "few_answerable": "测试问题太少：可回答的有 {count} 个，至少需要 {least} 个。",
    "few_unanswerable": "测试问题太少：无法回答的有 {count} 个，至少需要 {least} 个。",
    "no_other": "没有可以比较的其他回答者。",
    "not_better": (
        "它的回答在统计上并不优于{name}：F1 的提升为 {gain:+.3f}（{confidence:.0%} 置信区间 {low:+.3f} 至 "
        "{high:+.3f}）。"
    ),
    "wrong_refusals": "它拒答了 {share:.0%} 的可回答问题，上限为 {most:.0%}。",
    "few_refusals": "它只拒答了 {share:.0%} 的无法回答的问题，至少应为 {least:.0%}。",
    "fewer_refusals": (
        "它拒答了 {share:.0%} 的无法回答的问题，使用中的适配器为 {live:.0%}；允许下降 {most:.0%}。"
    ),
    "forgets": "它有遗忘：通用文本上的损失每个词元上升 {rise:.3f} 纳特，上限为 {most:.3f}。",
    "forgetting_unknown": "无法测量遗忘程度。",
    "slow": (
        "它太慢：回答用时的中位数为 {seconds:.2f} 秒，{name}为 {before:.2f} 秒，上限为其 {ratio:g} 倍。"
    ),
    "slow_first_word": (
        "它太慢：首字用时的中位数为 {seconds:.2f} 秒，{name}为 {before:.2f} 秒，上限为其 {ratio:g} 倍。"
    ),
    "slow_words": (
        "它生成太慢：每个字词用时的中位数为 {seconds:.3f} 秒，{name}为 {before:.3f} 秒，"
        "上限为其 {ratio:g} 倍。"
    ),
    "better": (
        "它的回答在统计上更好：F1 为 {f1:.3f}，比其他回答者中最好的{name}提升 "
        "{gain:+.3f}（{confidence:.0%} 置信区间 {low:+.3f} 至 {high:+.3f}）。"
        "拒答、遗忘和用时都在限度之内。"
    ),
    "kind_gained": (
        "{question_kind}有提升：与{name}相比 F1 {gain:+.3f}（{confidence:.0%} 置信区间 {low:+.3f} 至 "
        "{high:+.3f}，{count} 个问题）。"
    ),
    "kind_lost": (
        "{question_kind}有退步：与{name}相比 F1 {gain:+.3f}（{confidence:.0%} 置信区间 {low:+.3f} 至 "
        "{high:+.3f}，{count} 个问题；允许的退步为 {most:.2f}）。"
    ),
    "from_memory": (
        "警告：不给任何段落时它的 F1 仍达 {without:.3f}，给段落时为 {f1:.3f}。它可能在凭记忆回答，"
        "这样的回答没有引用可以支持。"
    ),
    "reads_compressed": (
        "阅读方式：逐段阅读，每段只保留与问题最相近的句子；与次优方式相比，F1 {gain:+.3f}（{count} 个问题）。"
    ),
    "reads_each": "阅读方式：逐段阅读整段；与次优方式相比，F1 {gain:+.3f}（{count} 个问题）。",
    "reads_together": (
        "阅读方式：所有段落放在一个提示中；与次优方式相比，F1 {gain:+.3f}（{count} 个问题）。"
    ),
    "reads_uncompared": "阅读方式：逐段阅读；没有问题可用来比较其他方式。",
    "reads_nothing": "它只用任务训练，任务不使用段落。",
    "refuses_as_base": "它按基础模型的阈值拒答：{cause}",
    "unreadable": "{cause}",
    "question_empty": "问题为空",
    "answer_empty": "有一个答案为空",
    "question_too_long": "问题过长：{length} 个字符，上限为 {most}",
    "sentence_too_long": "整句答案过长：{length} 个字符，上限为 {most}",
    "answer_too_long": "答案过长：{length} 个字符，上限为 {most}",
    "question_holds_answer": "问题中已含有答案",
    "unknown_language": "问题既不是英文也不是中文",
    "unwanted_language": "问题的语言不在所选范围内：{language}",
    "personal_data": "含有个人信息：{personal}",
    "personal_answer": "答案是个人信息：{personal}",
    "repeated": "问题和答案与 {id} 几乎相同",
    "contradicts": "与 {id} 矛盾：问题相同而答案不同",
    "evidence_nowhere": "任何文档中都没有这段依据：{quote}",
    "document_unknown": "依据所指的文档不在知识库中：{document}",
    "evidence_not_there": "{document} 中没有这段依据：{quote}",
    "answer_not_in_evidence": "依据中没有答案：{answer}",
    "answer_not_found": "按问题检索到的段落中都没有答案：{answer}",
    "nothing_written": "模型的回复中没有问题和答案",
    "no_question": "问题不像问句",
    "question_vague": "问题过短或过于笼统",
    "answer_vague": "答案没有内容",
    "answer_refusal": "答案是拒答",
    "answer_not_in_passage": "段落中没有答案",
    "answer_is_passage": "答案几乎是整个段落",
    "answer_in_no_sentence": "段落中没有一个句子包含完整答案",
    "passage_not_found": "按问题检索到的前 {k} 个段落中没有这个段落",
    "repeated_question": "与 {id} 的问题几乎相同",
    "ambiguous": "与 {id} 的问题几乎相同，而答案不同",
    "shares_document": "与测试问答对 {id} 出自同一文档",
    "asks_the_same": "与测试问答对 {id} 的问题几乎相同",
    "quotes_the_same": "与测试问答对 {id} 的引文几乎相同",
    "evidence_in_no_passage": "没有一个段落包含完整的依据",
    "beyond_context": "提示与回复超过模型的上下文长度：{most} 个词元",
    "thumb_down": "只有差评，没有更正后的答案",
    "uncited": "回答没有显示引用",
}

COUNTS = {
    "pairs_given": "给出的问答对",
    "pairs_train": "训练用的问答对",
    "pairs_calibration": "校准用的问答对",
    "pairs_test": "测试用的问答对",
    "pairs_kept": "保留的问答对",
    "pairs_dropped": "舍弃的问答对",
    "tasks_kept": "保留的其他任务",
    "tasks_train": "训练用的其他任务",
    "tasks_test": "测试用的其他任务",
    "samples_answer": "样本：回答",
    "samples_refusal": "样本：拒答",
    "samples_together": "样本：所有段落一起",
    "samples_task": "样本：其他任务",
    "steps": "训练步数",
    "scale": "适配器的缩放比例，百分比（会遗忘过多时小于 100）",
    "cases_answerable": "可回答的问题",
    "cases_unanswerable": "文档中没有答案的问题",
    "cases_removed": "依据已从检索中移除的问题",
}

GROUPS = {
    "all": "全部问题",
    "en": "英文",
    "zh": "中文",
    "fact": "事实类问题",
    "yesno": "是非类问题",
    "howto": "操作类问题",
    "list": "列举类问题",
    "compare": "比较类问题",
    "condition": "条件类问题",
    "definition": "定义类问题",
    "summary": "摘要类问题",
    "chat": "闲聊",
}

ZH = ReportWords(
    reasons=REASONS,
    counts=COUNTS,
    groups=GROUPS,
    contenders={
        "base": "基础模型",
        "base + examples": "基础模型 + 示例",
        "live": "使用中的版本",
        "candidate": "候选版本",
        "candidate, no context": "候选版本，不给段落",
    },
    language="zh",
    title_retraining="{name} 的再训练",
    title_training="{name} 的训练（未评测）",
    title_evaluation="在 {name} 上的评测",
    title_pairs="问答对 {name}",
    candidate_made="候选版本 {version} · {made}",
    adapter_made="适配器位于 {folder} · {made}",
    collection_made="知识库 {collection} · {made}",
    promoted="已启用",
    rejected="未启用",
    none_recorded="没有记录。",
    measured="测试结果",
    measured_hint=(
        "小字是 {confidence}% 自助法置信区间的两端。EM、F1、找到依据和错误拒答按可回答的问题计算，"
        "拒答计 0 分；"
        "正确拒答按无法回答的问题计算。用时为每个回答的中位数和第 95 百分位数。"
        "所有回答者都使用与用户相同的检索。"
    ),
    nothing_measured="没有进行评测。",
    cases="{n} 个问题",
    contender="回答者",
    right_refusals="正确拒答",
    wrong_refusals="错误拒答",
    refusals_right="拒答正确率",
    citations="引用正确",
    hits="找到依据",
    seconds="用时（秒）",
    gains="F1 的提升",
    gains_hint="按相同的可回答问题计算；整个置信区间都大于零，才算在统计上更好。",
    over="相对于",
    gain="提升",
    interval="置信区间",
    to="{low} 至 {high}",
    forgetting="遗忘",
    forgetting_hint="通用文本上每个词元的平均损失（纳特），不应上升。",
    text="文本",
    together="合计",
    rise="上升",
    tokens="词元数",
    curves="曲线",
    loss="损失",
    loss_by_step="各步的损失",
    loss_axis="损失（纳特/词元）",
    step_axis="步",
    loss_training="训练",
    loss_held_back="验证",
    no_loss="没有记录损失。",
    refusals="拒答",
    refusals_against="正确拒答与错误拒答",
    refused_wrongly_axis="错误拒答",
    refused_rightly_axis="正确拒答",
    refusal_line="{name}：曲线下面积 {area}；错误拒答 {allowed} 时，正确拒答 {right}",
    refusals_hint="曲线越靠左上越好。圆点是所用的阈值，虚线是允许的错误拒答比例。",
    no_refusals="没有拒答曲线：需要既有可回答的问题，也有无法回答的问题。",
    trained_on="训练数据",
    measured_on="测试数据",
    became="保留和舍弃的问答对",
    totals="数量",
    what="项目",
    number="数量",
    nothing_counted="没有统计。",
    dropped="舍弃的问答对",
    reason="原因",
    none_dropped="没有舍弃问答对。",
    each_dropped="逐一列出舍弃的问答对",
    place="位置",
    question="问题",
    sources="来源",
    source="来源",
    licence="许可",
    not_stated="未注明",
    pairs="问答对",
    regressions="退步最大的问题",
    regressions_hint="与其他回答者中最好的相比，损失最大的问题。",
    no_regressions="没有：每个回答都不差于其他回答者中最好的。",
    side_by_side="逐题对照",
    drawn="随机抽取。",
    none="无。",
    wanted="应为：",
    wanted_removed="拒答，因为依据已从检索中移除",
    wanted_refusal="拒答，因为文档中没有答案",
    right="正确",
    wrong="错误",
    refused="已拒答",
    confidence="置信度 {percent}（满分 100）",
    cites="引用 {document}",
    making="制作方法",
    settings="选项",
    versions="版本",
    digests="摘要",
)
