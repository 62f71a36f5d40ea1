"""What a question asks for: its kind, its subject, and what it fixes (years, numbers, currency, superlatives)."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from answering.quantities import Quantity, quantities_in, years_in
from answering.values import Kind
from answering.wording import folded, subject_chunks, subject_terms, without_asking
from knowledge_base.characters import HAN
from retrieval.prompt import Language, language_of

Wants = Literal["", "amount", "duration", "area", "time", "place", "person", "telephone", "count", "rate"]
Direction = Literal["", "highest", "lowest"]


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_SUMMARY = _any(r"\bsummari[sz]e\b", r"\bsummary\b", r"\boverview of\b", r"\bmain points\b", r"\bgive me the gist\b",
                r"\boutline\b", "概括", "总结", "概述", "要点", "主要内容", "大致说", "梳理", r"^(?:please )?(?:tell me|give me information) about\b", r"\binformation (?:on|about)\b", "^请?介绍")  # fmt: skip
_COMPARE = _any(r"\bcompare[ds]?\b", r"\bcomparison\b", r"\bdifferences?\b", r"\bdiffer\b", r"\bversus\b", r"\bvs\b",
                r"\bhow much (?:more|less|higher|lower|cheaper)\b", r"\bhow many more\b", r"\bby how much\b",
                r"\b(?:which|what) (?:\w+ ){0,4}(?:is|are|has|have|costs?|pays?|gives?|offers?|lasts?|takes?|earns?|charges?) (?:the )?"
                r"(?:\w+ )?(?:more|less|fewer|cheaper|better|longer|shorter|higher|lower|faster|bigger|larger)\b",
                "比较", "对比", "区别", "差别", "不同之处", "有什么不同", "差多少", "相差", "贵多少", "便宜多少", "高多少",
                "低多少", "(?<!最)[多少]多少", "哪[个种家款张]?更", "谁更", "涨了多少", "降了多少",
                "(?:[和跟与同]|还是).{1,14}[哪谁](?:个|种|家|款|张)?[^最]{0,6}[高低贵大小多少长短快慢好宜算](?:一?些|一?点)?[？?]?$")  # fmt: skip
_HIGHEST = _any(r"\bbest (?=(?:\w+ )?(?:rate|interest|yield|return|pay))", r"\b(?:highest|most expensive|largest|biggest|longest|maximum|dearest|greatest|most)\b(?! (?:likely|of|recent))",
                "最高", "最大", "最多", "最长", "最贵", "最久")  # fmt: skip
_LOWEST = _any(
    r"\b(?:lowest|cheapest|smallest|shortest|minimum|least|fewest)\b",
    "最低",
    "最小",
    "最少",
    "最短",
    "最便宜",
)
SUPERLATIVE = _any(_HIGHEST.pattern, _LOWEST.pattern)
_WHICH = _any(r"\b(?:which|what|where)\b", r"\bwho\b", "哪", "什么", "谁", "几[年月天个期]", "多[久长]")
_DEAR = _any(r"\b(?:expensive|cheap\w*|dear\w*)\b", "贵|便宜")
_LONG = _any(r"\b(?:longest|shortest|fastest|slowest|quickest)\b", "最[长久短快慢]")
_SUM = _any(r"\b(?:together|in total|altogether|combined|in all)\b", "一共|总共|合计|共计|加起来|加在一起")
_HOWTO = _any(r"\bhow (?:do|can|could|should|would|may|must|to|does one) ?(?:i|we|you|one|customers?)?\b",
              r"\bwhat (?:should|must|can|do|shall) (?:i|we|one) (?:(?:have|need) to )?do\b",
              r"\bwhat (?:to do|steps)\b", r"\bwhat now\b", r"\bwhat happens (?:if|when|on|at|after|before|during)\b", r"\bhow is (?:a|an|the)\b.*\b(?:handled|done|made|processed)\b",
              r"\bsteps\b", r"\bprocedure for\b", "怎么办", "怎么(?!样$|算|这么)(?!回事)", "怎样", "如何", "做(?:些|点)?什么", "步骤",
              "流程", "咋办", "咋")  # fmt: skip
_LIST = _any(r"\bwhat (?:documents?|papers?|things?|items?|services?|ways?|methods?|kinds?|types?|options?|benefits?"
             r"|materials?|products?|channels?|requirements?|conditions)\b", r"\bwhich (?:\w+ ){0,3}\w+s\b(?! the)",
             r"\bwhat (?:\w+ ){0,2}\w+s (?:do|can|may|must|should|are|will)\b", r"\blist\b", r"\bname (?:all|the)\b",
             r"\bwhat (?:can|may|must|should) (?:i|we|you|one) (?!do\b)\w+", r"\bwhat do (?:i|we|you) (?:need|have to|require)\b(?! to do\b| do\b)",
             r"\bhow can i (?:reach|contact)\b", r"\bwhat (?:may|can|must) not\b", r"\bwhat are the\b", r"\bwhat is (?:not )?"
             r"(?:included|excluded|covered)\b",
             "哪些", "哪几", "什么(?:材料|证件|资料|手续)", "[带备交有括供](?:些|齐|好|上)?什么", "列出", "列一下", "分别是")  # fmt: skip
_CONDITION = _any(r"\bunder (?:what|which) (?:conditions?|circumstances)\b", r"\bon what conditions?\b", r"\bwhen (?:is|are|do|does)"
                  r"\b.*\b(?:waived|free|exempt|allowed)\b", r"\bwho (?:can|may|qualifies|is eligible)\b", r"\bam i eligible\b",
                  r"\bwhat conditions\b", r"\brequirements?\b", "什么条件", "什么情况", "何种情况", "条件是", "怎样才能", "怎么才能", "如何才能",
                  "才可以", "满足什么", "什么时候可以免", "谁可以", "谁能", "什么人可以")  # fmt: skip
_DEFINITION = _any(r"^(?:and |so )?what(?: is|'s| are) (?:an? |the )?(?:meaning of )?(?P<en>[\w' -]{2,40}?)(?: and (?:how|what)\b.*)?\??$",
                   r"\bwhat does (?P<means>.{2,40}?) (?:mean|stand for)\b", r"\bdefin(?:e|ition of) (?P<define>.{2,40})",
                   r"\bmeaning of (?P<of>.{2,40})", "(?P<zh>.{2,16}?)(?:是什么意思|指的是什么|是什么[？?]?$|是指什么|是啥)",
                   "(?:什么是|什么叫|何谓|解释一下|解释)(?P<zhb>.{2,16})")  # fmt: skip
_YESNO = _any(r"^(?:(?:and|so|but|hi|hello|please|also|then)[, ]+)*(?:is|are|was|were|do|does|did|can|could|may|must|should|will|would|has"
              r"|have|am|need|isn't|aren't|don't|can't)\b(?!.*\btell me (?:what|how|when|where|which))",
              r"\b(?:right|correct|true)\s*\?$", r"\b\w+n't \w+\s*\?$", "对吧", "[吗吧][？?。]?$", "吗[，,]", "[是能可会]否", rf"([{HAN}])[不没]\1")  # fmt: skip
_MAY = _any(
    r"\b(?:can|could|may|am i allowed|is it (?:possible|allowed)|are \w+ (?:allowed|permitted))\b",
    "可以",
    "能",
    "可否",
)
_WANTS: tuple[tuple[Wants, re.Pattern[str]], ...] = (
    ("duration", _any(r"\bhow (?:long|soon|quickly|fast|far)\b", r"\bhow much time\b", r"\bhow many (?:days|months|years|hours|weeks|minutes)\b",
                      "多久", "多远", "多长时间", "几天", "多少天", "几年", "几个月", "几小时", "几分钟", "多少个?(?:工作日|小时|分钟)")),
    ("area", _any(r"\bhow (?:big|large)\b", r"\bsquare met(?:re|er)s\b", "多大", "面积")),
    ("time", _any(r"(?:^|[,.;:?!] )(?:and |but |so )?(?:by |until |till |since |from )?when\b", r"\bwhat time\b", r"\bwhat date\b", r"\bwhich (?:day|month|year)\b", r"\buntil what time\b",
                  r"\bopening hours\b", "几点", "什么时候", "何时", "哪天", "哪年", "几月", "时间")),
    ("place", _any(r"\bwhere\b", r"\bwhich (?:branch|office|place|city|room|floor)\b", r"\baddress\b", "哪里", "哪儿", "地址", "在哪", "哪家", "哪个网点")),
    ("person", _any(r"^who\b", r"\bwhose\b", "谁", "哪位")),
    ("rate", _any(r"\b(?:interest )?rates?\b", r"\b(?:higher|lower|best|better|highest|lowest|more|most) (?:interest|yield)\b",
                  r"\bpercent", "利率", "比例", "百分", "收益率", "利息.{0,3}[高低]")),
    ("count", _any(r"\bhow many\b", r"\bhow often\b", "几[个次张笔间台座名]",
                   "多少(?![钱元块]|\\w{0,2}[金息费价钱])(?=[个次张笔间台座名房床人座])")),
    ("telephone", _any(r"\b(?:phone|telephone|hotline|number to call)\b", "电话", "热线")),
    ("amount", _any(r"\bhow much\b", r"\b(?:cost|fee|price|charge|amount|rent|deposit|salary|limit|premium)s?\b",
                    "多少钱", "多少", "费", "价格", "额度", "限额", "租金")),
)  # fmt: skip
_CURRENCIES = {
    "dollar": _any(r"\b(?:us )?dollars?\b", r"\busd\b", r"\$", "美元", "美金"),
    "euro": _any(r"\beuros?\b", r"\beur\b", "€", "欧元"),
    "pound": _any(r"\bpounds?\b", r"\bgbp\b", "£", "英镑"),
    "yen": _any(r"\byen\b", r"\bjpy\b", "日元"),
}
_IN_CURRENCY = re.compile(
    r"\b(?:in|as) (?:us )?(?:dollars?|euros?|pounds?|usd|eur|gbp|yen)\b|折合|多少(?:美元|欧元|英镑|日元)|用(?:美元|欧元)"
)
_OLD = _any(r"\b(?:last year|previous(?:ly)?|former(?:ly)?|old|used to|superseded|back then|earlier version)\b",
            "去年", "以前", "过去", "旧版", "原来的", "之前的标准", "上一年", "上一版", "往年")  # fmt: skip
_VERBS = re.compile(
    r"\b(?:i|we|you|they|he|she|to|can|can't|could|may|must|should|will|would|do|does|did|don't|not|be|been|is|are|was|were|have|has|had|\w+ly)"
    r" ([a-z][a-z'-]+)"
)
_QUALITIES = re.compile(r"\b([a-z]{3,}(?:ed|ing|ful|ous))\b")
# When a question is about, which editions answer and not a term.
_RELATIVE_TIME = re.compile(
    r"\b(?:this|last|next) year(?:'s)?\b|\b(?:at present|at the moment|right now|these days|nowadays)\b"
    r"|\bcurrent\b(?! accounts?)|今年|去年|明年|本年度?|上一年度?|现在|目前|当前|如今|眼下"
)
# What makes a claim a question, and names no subject.
TAG = re.compile(
    r"\b(?:right|correct|true)\s*\?|\b(?:is|are|was|were|do|does|did|has|have|can|will)n't \w+\s*\?"
    r"|\bis it true\b|\breally\b|对[吗吧不]|是不是|是吗|是吧|没错吧|吧[?？]?$"
)
_PRESUMES = _any(r"^(?:and |but |so )?(?:why|how come)\b", "为什么|为何|怎么会|凭什么")
_ATTRIBUTE = re.compile(
    r"^what(?:'s| is| are| was| were) (?:the|your|my) ([\w' -]{2,40}?) (?:of|for|at|in|on)\b"
    r"|^how (?:many|much) ((?!is\b|are\b|does\b|do\b|did\b|can\b|will\b|was\b|more\b|of\b|money\b|time\b)[\w-]+(?: [\w-]+)??) "
    r"(?:does|do|did|can|could|may|will|is|are|has|have|was|were|must|should|a|per|waives?|in|at)\b"
    r"|^how much (?:does|do|did|will) .{2,60} (cost)\b|^what (?:does|do|did) .{2,60} (cost)\b"
    r"|的([^的，,了]{2,8}?)(?:是|有)?(?:多少|什么|哪|几)|(多少钱)",
    re.IGNORECASE,
)
# What makes a part of a sentence a question, and not only what is told before one.
_ASKS = re.compile(
    r"[?？]|\b(?:what|how|which|when|where|who|why|is|are|do|does|can|may)\b|[吗哪谁几]|多少|什么|怎|如何|能不能|可不可以|有没有|是不是|要不要|是否",
    re.IGNORECASE,
)
_ASKING_HAN = "多少|几[^乎]|什么|哪|怎么|怎样|如何|多[久长大]|吗|何时|谁"
_SHORT_HAN = 2  # characters of an attribute; a longer word is a subject of its own
_PARTS = re.compile(rf"(?<=[?？])\s*(?=\S{{4}})|[，,;；]\s*(?=(?:要|需要|怎么|怎样|多少|哪|什么|利率|费用|年费)\S*[？?]?$)"
                    rf"|(?<=(?:多少|多久|什么|怎么|如何|哪里|几[天年次张号点]|.吗|多[长大]|.钱))[，,;；]\s*(?=[^，,;；]*(?:{_ASKING_HAN}))"
                    r"|,? (?:and|or) (?=(?:what|how|which|when|where|who)\b)", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question, taken apart. `text` is complete in itself, with relative years made absolute."""

    text: str

    @cached_property
    def language(self) -> Language:
        """In which it is asked and answered."""
        return language_of(self.text)

    @cached_property
    def kind(self) -> Kind:
        """What it asks for; the first kind whose wording fits."""
        return kind_of(self.text)

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """What its subject can be found by, without the numbers, which are compared by their values."""
        return subject_terms(self._without_numbers)

    @cached_property
    def chunks(self) -> tuple[str, ...]:
        """The words of its subject, whole."""
        return subject_chunks(self._without_numbers)

    @cached_property
    def _without_numbers(self) -> str:
        plain = folded(self.text)
        for quantity in reversed(self.quantities):
            plain = f"{plain[: quantity.start]} {plain[quantity.end :]}"
        plain = TAG.sub(" ", plain)
        if self.asks_sum:
            plain = _SUM.sub(" ", plain)
        if self.direction:
            plain = _LOWEST.sub(" ", _HIGHEST.sub(" ", plain))
        return _RELATIVE_TIME.sub(" ", re.sub(r"[(（](?:19|20)\d\d年?[)）]", " ", plain))

    @cached_property
    def core(self) -> frozenset[str]:
        """The terms of the sentence that asks; what is told around it says less."""
        sentences = [part for part in re.split(r"(?<=[.!?。！？])\s*", self.text) if part.strip()]
        asking = [part for part in sentences if part.rstrip().endswith(("?", "？"))]
        return frozenset(term for part in asking or sentences for term in Asked(part).terms)

    @cached_property
    def verbs(self) -> frozenset[str]:
        """Terms of an English question that say what is done rather than name a thing, as far as can be seen."""
        if self.language == "zh":
            return frozenset()
        found = _VERBS.findall(folded(self.text)) + _QUALITIES.findall(folded(self.text))
        return frozenset(term for word in found for term in subject_terms(word))

    @cached_property
    def attribute(self) -> frozenset[str]:
        """The terms of what is asked of something: "the salary of a teller" asks for a salary; empty if unclear."""
        found = _ATTRIBUTE.search(self.text.strip())
        if not found:
            return frozenset()
        return frozenset(subject_terms(next(part for part in found.groups() if part)))

    @cached_property
    def years(self) -> frozenset[str]:
        """The years of the calendar that it names."""
        return years_in(self.text)

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """The numbers that it fixes."""
        return quantities_in(self.text)

    @cached_property
    def wants(self) -> Wants:
        """What a fact must be: an amount, a time, a place …; "" if that cannot be seen."""
        usual: Wants = "amount" if self.compared_by == "money" else ""
        return next((name for name, pattern in _WANTS if pattern.search(self.text)), usual)

    @cached_property
    def direction(self) -> Direction:
        """Whether the row with the highest or lowest value is wanted."""
        if not _WHICH.search(self.text):
            return ""
        return "highest" if _HIGHEST.search(self.text) else "lowest" if _LOWEST.search(self.text) else ""

    @cached_property
    def compared_by(self) -> Literal["", "money", "time"]:
        """What the highest or lowest is measured in, where the superlative says it: the dearest by money."""
        return "money" if _DEAR.search(self.text) else "time" if _LONG.search(self.text) else ""

    @cached_property
    def asks_sum(self) -> bool:
        """Whether a sum is asked for."""
        return bool(_SUM.search(self.text))

    @cached_property
    def currency(self) -> str:
        """The currency that the answer must be in, "" if none is asked for."""
        if not _IN_CURRENCY.search(folded(self.text)):
            return ""
        return next((name for name, pattern in _CURRENCIES.items() if pattern.search(folded(self.text))), "")

    @cached_property
    def asks_old(self) -> bool:
        """Whether an edition that is no longer in force is asked for."""
        return bool(_OLD.search(self.text))

    @cached_property
    def asks_may(self) -> bool:
        """Whether something is asked to be allowed or possible."""
        return bool(_MAY.search(self.text))

    @cached_property
    def presumes(self) -> bool:
        """Whether it asks for the reason of something that may be otherwise: "Why does it cost 45 dollars?"."""
        return bool(self.quantities and _PRESUMES.search(self.text))

    @cached_property
    def defined(self) -> str:
        """The word whose meaning is asked for, "" if none is."""
        found = _DEFINITION.search(self.text.strip())
        return next((word for word in found.groups() if word), "").strip(" ?？") if found else ""

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The questions that it is made of; one, unless it plainly asks several."""
        parts = [part.strip() for part in _PARTS.split(self.text) if part and part.strip()]
        asking = [part for part in parts if len(subject_terms(part)) > 0]
        several = len(asking) > 1 and bool(_ASKS.search(asking[0]))
        return tuple(asking) if several else (self.text,)


class PartOfList(Asked):
    """A part of a question for a list, which is for one as well: "… and what do they cost?"."""

    @cached_property
    def kind(self) -> Kind:
        """Always a list."""
        return "list"


def subquestions(asked: Asked) -> list[Asked]:
    """The questions that a question is made of, each complete: "Which cards do you offer and what do they cost?".

    What is asked of a list is a list as well.
    """
    first, *others = asked.parts
    place = re.search(r"\b(?:of|for|at|in|on) (?:a|an|the|my|your) [\w' -]{2,40}$", first.rstrip(" ?,."))
    subject = _subject_of(first, asked.language)
    found = [Asked(first)]
    for part in others:
        complete = Asked(_with_subject(part, subject, asked.language))
        if (
            place and len(set(complete.terms) - complete.verbs) <= 1
        ):  # "… and how much must I pay?" of the same
            complete = Asked(f"{complete.text.rstrip('?')} {place[0]}?")
        found.append(
            PartOfList(complete.text) if asked.kind == "list" and complete.kind == "fact" else complete
        )
    return found


def _subject_of(part: str, language: Language) -> str:
    """What the first of several questions is about."""
    if language == "zh":
        return max(_han_words(part), key=len, default="")
    found = re.search(
        r"\b(?:(?:which|what)\s+(?:is (?=an? |the ))?|(?=(?:the|an?|my|your)\s))"
        r"((?:[\w'-]+ ){0,4}?[\w'-]+?)"
        r"(?=,? (?:do|does|did|is|are|can|may|of|for|in|to|from|takes?|costs?|lasts?|works?|needs?)\b|[?.,]?$)",
        part,
        re.I,
    )
    return found[1] if found else ""


def _han_words(part: str) -> list[str]:
    """What a part of a Chinese question names, as it is written."""
    return re.findall(f"[{HAN}]+", without_asking(folded(part)))


def _with_subject(part: str, subject: str, language: Language) -> str:
    if not subject:
        return part
    if language == "zh":
        own = any(len(word) > _SHORT_HAN for word in _han_words(part))
        return part if own or subject in part else f"{subject}{part}"
    return re.sub(r"\b(?:they|it|them|these|those)\b", subject, part, count=1, flags=re.IGNORECASE)


def kind_of(text: str) -> Kind:
    """The kind of a question by its wording, English or Chinese: the first that fits."""
    plain = text.strip()
    tests: tuple[tuple[Kind, bool], ...] = (
        ("summary", bool(_SUMMARY.search(plain))),
        ("compare", bool(_COMPARE.search(plain)) or _asks_extreme(plain)),
        ("condition", bool(_CONDITION.search(plain))),
        ("yesno", _asks_whether(plain)),
        ("list", bool(_LIST.search(plain))),
        ("howto", bool(_HOWTO.search(plain))),
        ("definition", bool(_DEFINITION.search(plain)) and not _asks_attribute(plain)),
    )
    return next((kind for kind, fits in tests if fits), "fact")


def _asks_extreme(text: str) -> bool:
    asks = _WHICH.search(text) and (_HIGHEST.search(text) or _LOWEST.search(text))
    return bool(asks) and not re.match(r"^what(?:'s| is) the (?:max|min)", text, re.IGNORECASE)


def _asks_whether(text: str) -> bool:
    sentences = re.split(r"(?<=[.!])\s+", text)
    asks = any(_YESNO.search(sentence) for sentence in sentences) and not _LIST.search(text)
    return asks and not re.match(
        r"^(?:can|could|would|will) you (?:please )?(?:tell|explain|list|show|give)", text, re.IGNORECASE
    )


def _asks_attribute(text: str) -> bool:
    """Whether "What is the fee of …" asks for a value rather than for a meaning."""
    found = any(pattern.search(text) for _, pattern in _WANTS)
    return (
        found
        or bool(re.search(r"\bwhat(?:'s| is| are) the\b.*\b(?:of|for|to|in|on|at)\b", text, re.I))
        or bool(re.search("的.{1,8}是什么", text))
    )
