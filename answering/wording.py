"""Folds spelling and everyday synonyms so that a question and a document that mean the same compare equal."""

import re
import unicodedata
from functools import cache, lru_cache

from knowledge_base.characters import HAN, chinese_characters, has_chinese
from retrieval.analysis import simplified
from retrieval.analysis import terms as stemmed_terms

# What a question says beside its subject. Terms of these say nothing about where the answer is.
_STOP_WORDS = frozenset([
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "from", "with", "by", "as", "into", "onto",
    "and", "or", "but", "if", "then", "than", "so", "is", "are", "was", "were", "be", "been", "being", "am",
    "do", "does", "did", "done", "have", "has", "had", "having", "can", "could", "may", "might", "must",
    "shall", "should", "will", "would", "i", "me", "my", "mine", "we", "us", "our", "you", "your", "they",
    "them", "their", "he", "she", "his", "her", "it", "its", "this", "that", "these", "those", "there",
    "here", "what", "which", "who", "whom", "whose", "when", "where", "why", "how", "much", "many", "any",
    "some", "all", "each", "every", "no", "not", "only", "also", "just", "please", "tell", "about", "know",
    "say", "said", "says", "get", "got", "give", "given", "want", "wanted", "need", "needed", "like", "way",
    "thing", "hello", "hi", "hey", "thanks", "thank", "explain", "describe", "mean", "means", "summarise",
    "summarize", "summary", "compare", "comparison", "difference", "between", "versus", "vs", "wonder",
    "wondering", "question", "ask", "long", "far", "often", "soon", "up", "out", "one", "ones", "s", "t",
    "re", "ve", "ll", "d", "m", "let", "kind", "kinds", "type", "types", "sort", "happen", "happens",
    "make", "made", "use", "used", "possible", "able", "offer", "offers", "offered", "provide", "provides",
    "provided", "anything", "something", "someone", "somebody", "else", "more", "most", "less", "other",
    "still", "even", "ever", "really", "actually", "exactly", "currently", "now", "today", "year", "years",
    "month", "months", "day", "days", "week", "weeks", "last", "whats", "wheres", "hows", "whos", "im",
    "ive", "dont", "doesnt", "cant", "u", "ur", "pls", "plz",
])  # fmt: skip
_STOP_HAN = re.compile(
    "请问一下|请问|请帮我|帮我|想问一下|想问|我想知道|想知道|我想|麻烦|告诉我|什么时候|为什么|是什么意思|是什么|什么叫|什么是|什么"
    "|哪一个|哪一种|哪些|哪个|哪里|哪家|哪种|哪年|哪天|哪位|哪|多少|多久|多长|多大|多高|怎么样|怎么办|怎么做|怎么|怎样|如何|是否"
    "|能不能|可不可以|可以|能否|有没有|是不是|要不要|需不需要|会不会|应该|需要|必须|概括一下|总结一下|概括|总结|介绍一下|介绍|解释一下|解释"
    "|比较一下|对比一下|一下|一共|总共|分别|各是|各自|还是|或者|以及|如果|的话|之间|区别|不同|几点|几个|几天|几年|几次|几张|几|谁"
    "|吗|呢|吧|啊|呀|了(?!解)|的(?!士)|是|在(?!职|校|线)|和(?!解|谐)|与|跟|及(?!时|格)|或|我们|你们|他们|您|我(?!行)|你|他(?!行)|她|它"
    "|自己|这个|那个|这|那|要(?!求|点)|能(?!力|源)|会(?!员|议|计|展)|把|被|给|让|到(?!账|期|达)|为|就|都|也|还(?!款|清|贷)"
    "|有(?!效|限|关|无|责)|各(?!类|级)"
)

# Groups of everyday words that a person and a rule book use for the same thing; the first one stands for all.
_ENGLISH_GROUPS = (
    "fee cost price charge tariff expense penalty fine",
    "document paper paperwork",
    "telephone phone",
    "sibling brother sister",
    "parent mother father mum mom dad",
    "child children kid son daughter minor",
    "spouse wife husband",
    "pet dog cat",
    "car vehicle automobile",
    "buy purchase bought",
    "apply application applicant",
    "allow permit permission permitted",
    "employee staff worker colleague",
    "company firm business",
    "salary wage wages",
    "start begin commence begins",
    "transfer remit remittance wire send sent",
    "withdraw withdrawal",
    "lost lose losing loss missing",
    "stolen steal theft",
    "damaged damage broken broke faulty defective",
    "wrong mistake mistaken error incorrect",
    "refund reimburse reimbursement",
    "cancel cancellation terminate termination revoke",
    "highest maximum max top largest biggest greatest",
    "lowest minimum min least smallest cheapest",
    "repay repayment settle repaid",
    "email e-mail",
    "complain complaint complaints",
    "cosign co-sign cosigner co-signer co-borrower coborrower",
    "foreign abroad overseas",
    "home house flat apartment",
    "ill sick illness sickness",
    "rent hire lease rental",
    "open opening opened",
    "closed close shut closing",
    "free gratis complimentary",
    "waive waived waiver exempt exemption",
    "delivery deliver shipping ship shipment",
    "approve approval approved",
    "renew renewal",
    "register registration",
    "pay payment",
    "limit cap ceiling",
    "earn yield",
    "valid validity",
    "visitor guest",
    "person people neighbour neighbor friend somebody",
    "parking park",
    "locate location located",
    "insure insurance insured",
    "emergency urgent",
    "swap exchange change",
    "contact reach",
)
_PHRASES = tuple(
    (re.compile(pattern, re.IGNORECASE), form)
    for pattern, form in (
        (
            r"\b(?:per|each|every) year\b"
            r"|\ba year(?=[?.,!]|$| (?:for|in|to|by|and|at|on|from|with|is|does)\b)",
            "annual",
        ),
        (r"\bpick(?:ed|ing|s)? (?:it |them )?up\b", "collect"),
        (r"\b(?:yearly|annually)\b", "annual"),
        (r"\b(?:per|a|each|every) month\b", "monthly"),
        (r"\b(?:home|housing|house) loans?\b|\bmortgages?\b", "mortgage home loan"),
        (r"\b(?:took|takes?|taking) (?:(?:the|my|some|out) )*(?:money )?out\b", "withdraw"),
        (r"\btake (?:the |my )?money out\b", "withdraw"),
        (r"\b(?:pay|paid|paying|pays)(?: (?:it|them))? (?:back|off)\b", "repay"),
        (r"\bphone number\b|\btelephone number\b", "telephone"),
        (r"\bsafe[- ]deposit box(?:es)?\b", "safe-deposit box"),
        (r"\bweekends?\b", "weekend saturday sunday"),
        (r"\bweekdays?\b|\bmonday to friday\b", "weekday monday friday"),
        (r"\bopening (?:hours|times)\b|\bbusiness hours\b", "open hours"),
    )
)
_CHINESE_GROUPS = (
    ("周日", "星期天|星期日|礼拜天|礼拜日"),
    ("周六", "星期六|礼拜六"),
    ("周六周日", "周末"),
    ("电话", "电话号码|联系电话|联系方式"),
    ("遗失", "丢失|丢了|丢|不见了"),
    ("住房贷款", "房贷|房屋贷款|按揭贷款|按揭"),
    ("材料", "证件材料|资料|文件"),
    ("费用", "多少钱|价格|价钱|收费|手续费|工本费"),
    ("违约金", "罚金"),
    ("工资", "薪水|薪资|薪酬"),
    ("老年", "老年人|老人|长者"),
    ("取现", "取现金|提现|取钱"),
    ("兄弟姐妹", "哥哥|弟弟|姐姐|妹妹"),
    ("父母", "爸爸妈妈|爸爸|妈妈|父亲|母亲"),
    ("配偶", "老公|老婆|丈夫|妻子"),
    ("关门", "打烊|下班|停止营业|停业|放假|休息|歇业"),
    ("休息日", "公休日"),
    ("营业", "开门"),
    ("提前还款", "提前还清|提前还|提前结清"),
    ("更换", "换了|换一个|换"),
    ("提高", "提升|调高"),
    ("儿童", "孩子|小孩|小朋友|未成年人"),
    ("办理", "办"),
    ("怎么办", "咋办"),
    ("整存整取", "定期存款|死期|定期储蓄|定期"),
    ("大型", "大号|大款"),
    ("中型", "中号|中款"),
    ("小型", "小号|小款"),
    ("代办", "代办理"),
    ("开车", "驾车|驾驶"),
)
_WORD = re.compile(
    rf"\d+(?:[.,]\d+)*%?|[一二三四五六七八九十百千万两零〇]{{2,}}(?=[{HAN}])|[{HAN}]+|[^\W\d_{HAN}]+(?:['’-][^\W\d_{HAN}]+)*"
)


@lru_cache(maxsize=20_000)
def folded(text: str) -> str:
    """`text` in simplified Chinese, half width and lower case; only for comparing, since lengths change."""
    return unicodedata.normalize("NFKC", text).translate(simplified()).lower()


@lru_cache(maxsize=20_000)
def terms_in(text: str) -> frozenset[str]:
    """What a text can be compared by: stems of its words, numbers, pairs of neighbouring Han characters."""
    return frozenset(term for chunk in _chunks(_canonical(folded(text))) for term in _terms_of(chunk))


@lru_cache(maxsize=20_000)
def held_terms(text: str) -> frozenset[str]:
    """The terms of a text, and each of its Han characters by itself, for a question that has only one."""
    return terms_in(text) | frozenset(chinese_characters(_canonical(folded(text))))


def subject_terms(question: str) -> tuple[str, ...]:
    """The terms of a question that name its subject, in order, without the words that only ask."""
    plain = _canonical(folded(question))
    chunks = [chunk for chunk in _chunks(_STOP_HAN.sub(" ", plain)) if chunk not in _STOP_WORDS]
    return tuple(dict.fromkeys(term for chunk in chunks for term in _terms_of(chunk)))


def subject_chunks(question: str) -> tuple[str, ...]:
    """The words of a question that name its subject, folded: English words, Chinese runs, numbers."""
    plain = _STOP_HAN.sub(" ", _canonical(folded(question)))
    return tuple(dict.fromkeys(chunk for chunk in _chunks(plain) if chunk not in _STOP_WORDS))


def without_asking(question: str) -> str:
    """A folded question with a blank for each Chinese word that only asks."""
    return _STOP_HAN.sub(" ", question)


def stem(word: str) -> str:
    """The stem of an English word, the same for words of one group of synonyms."""
    return next(iter(_terms_of(word)), word)


def _chunks(text: str) -> list[str]:
    return [chunk.replace("’", "'").removesuffix("'s") for chunk in _WORD.findall(text)]


def canonical(text: str) -> str:
    """A text with the phrases and Chinese words of each group of synonyms in one form; only for comparing."""
    return _canonical(folded(text))


def _canonical(text: str) -> str:
    for pattern, form in _PHRASES:
        text = pattern.sub(form, text)
    return _chinese().sub(lambda found: _chinese_forms()[found[0]], text)


@lru_cache(maxsize=50_000)
def _terms_of(chunk: str) -> tuple[str, ...]:
    if has_chinese(chunk[:1]):
        if chunk in "年月日天元个号次张笔点时分":
            return ()
        if len(chunk) == 1 or all(character in "一二三四五六七八九十百千万两零〇" for character in chunk):
            return (chunk,)
        return tuple(chunk[i : i + 2] for i in range(len(chunk) - 1))
    if chunk[0].isdigit():
        return (chunk.replace(",", ""),)
    known = _english().get(chunk)
    if known:
        return (known,)
    stems = stemmed_terms(chunk)
    return tuple(_english().get(found, found) for found in stems) or (chunk,)


@cache
def _english() -> dict[str, str]:
    """From each word of a group, and its stem, to the stem of the group's first word."""
    found: dict[str, str] = {}
    for group in _ENGLISH_GROUPS:
        words = group.split()
        first = stemmed_terms(words[0])[0]
        for word in words:
            found[word] = first
            for one in stemmed_terms(word)[:1] if "-" not in word else ():
                found[one] = first
    return found


@cache
def _chinese_forms() -> dict[str, str]:
    return {word: form for form, words in _CHINESE_GROUPS for word in words.split("|")}


@cache
def _chinese() -> re.Pattern[str]:
    # Longest first, and the standing form itself first of all, so that it is not folded again.
    forms = {form: form for form, _ in _CHINESE_GROUPS}
    words = sorted((*forms, *_chinese_forms()), key=len, reverse=True)
    _chinese_forms().update(forms)
    return re.compile("|".join(map(re.escape, words)))
