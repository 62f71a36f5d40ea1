"""Yes or no from one sentence: negations, exceptions, limits, conditions, prices; what does not decide."""

import pytest

from answering.polarity import Verdict, judge, permitted
from answering.question import Asked

CASES = (
    # negation and permission
    ("Can I use the gym at night?", "The gym may be used at night.", "yes"),
    ("Can I bring a dog to the office?", "Dogs may not be brought to the office.", "no"),
    ("Can contractors pay by cheque?", "Contractors cannot pay by cheque.", "no"),
    ("Is the pool closed in winter?", "The pool is closed in winter.", "yes"),
    ("可以带狗进办公室吗？", "办公室禁止带狗。", "no"),
    ("会议室可以吃东西吗？", "会议室内不得吃东西。", "no"),
    # exceptions turn a rule over for those whom they name
    ("Are tools allowed in the cabin?", "Tools are not allowed in the cabin, except nail files.", "no"),
    ("Are nail files allowed in the cabin?", "Tools are not allowed in the cabin, except nail files.", "yes"),
    ("Are visitors allowed in the archive?", "Visitors are allowed in all rooms except the archive.", "no"),
    ("May trainees sign contracts?", "Staff other than trainees may sign contracts.", "no"),
    ("May trainees sign contracts?", "Staff other than trainees may not sign contracts.", "yes"),
    ("实习生可以签合同吗？", "除实习生外，员工可以签合同。", "no"),
    ("阳台可以种花吗？", "公共区域禁止种花，阳台除外。", "yes"),
    # only
    ("Can pupils borrow maps?", "Maps can be borrowed by teachers only.", "no"),
    ("Can teachers borrow maps?", "Maps can be borrowed by teachers only.", "yes"),
    ("学生可以借地图吗？", "地图只借给教师。", "no"),
    # a limit that is claimed is the sentence's own or wrong
    (
        "Loans of up to 30 books need no deposit, right?",
        "Loans of up to 10 books are possible without a deposit.",
        "no",
    ),
    ("申请是不是3个工作日内批复？", "受理处在1个工作日内登记，在10个工作日内批复。", "no"),
    # figures against limits
    ("I am 15. May I open an account?", "Persons aged 14 or older may open an account.", "yes"),
    ("May a 12-year-old open an account?", "Persons aged 14 or older may open an account.", "no"),
    ("Can I take 15 bottles?", "Guests may take 10 bottles.", "no"),
    ("Can I take 5 bottles?", "Guests may take 10 bottles.", "yes"),
    ("Is a licence needed for 300 square metres?", "Plots above 200 m2 need a licence.", "yes"),
    ("提前10天退票收费吗？", "提前7天以上退票不收费，7天以内收取20元。", "no"),
    ("提前3天退票收费吗？", "提前7天以上退票不收费，7天以内收取20元。", "yes"),
    ("一次可以借12册吗？", "读者一次可借8册。", "no"),
    ("May I phone at nine in the evening?", "Calls are answered until 20:00.", "no"),
    # what one may do, one need not do
    ("Do I have to fly with your airline?", "You may fly with any airline.", "no"),
    ("必须在总部办理吗？", "可以在任何分部办理。", "no"),
    # prices
    ("Do pensioners have to pay for the bus?", "Pensioners use the bus free of charge.", "no"),
    ("Is delivery free?", "Delivery costs 5 euros.", "no"),
    (
        "Can I leave after 2 lessons without any charge?",
        "After 4 lessons you may leave without a charge.",
        "no",
    ),
    ("Do pupils still pay for the museum?", "Pupils pay nothing for the museum.", "no"),
    ("老人坐车要钱吗？", "老人免费坐车。", "no"),
    # what is said of another subject, of doing it alone, or of another means
    ("May trainees order six chairs?", "Clerks may order 8 chairs, trainees 2.", "no"),
    ("Is the cellar open on Mondays?", "The cellar is open on weekdays and stays shut on Mondays.", "no"),
    ("十岁能自己办卡吗？", "本卡面向12周岁以上的儿童，12周岁以下由监护人代办。", "no"),
    ("年票用了五个月可以退吗？", "年票至少使用6个月，期满前不能退。", "no"),
    # what a question leaves out
    (
        "May I enter without a badge in a fire?",
        "Staff may enter with a badge; in a fire no badge is needed.",
        "yes",
    ),
    (
        "Do I need a permit for a shed of 5 tonnes?",
        "Sheds of up to 8 tonnes are built without a permit.",
        "no",
    ),
    # advice
    (
        "Should I leave jewels in the room?",
        "We advise against leaving jewels in the room.",
        "advised against",
    ),
)


@pytest.mark.parametrize(("question", "sentence", "verdict"), CASES)
def test_a_sentence_says_yes_or_no(question: str, sentence: str, verdict: Verdict) -> None:
    assert judge(Asked(question), sentence) == verdict


@pytest.mark.parametrize(
    ("sentence", "allowed"),
    [
        ("Staff other than porters may not use the lift.", "Porters may use the lift."),
        ("Except for porters, staff may not use the lift.", "Porters may use the lift."),
        ("Nobody but porters may use the lift.", "Porters may use the lift."),
        ("Only porters may use the lift.", "Porters may use the lift."),
        ("Staff may not use the lift unless they are porters.", "Porters may use the lift."),
        ("除搬运工外，员工不得使用货梯。", "搬运工可以使用货梯。"),
        ("只有搬运工才可以使用货梯。", "搬运工可以使用货梯。"),
        ("Staff may not enter any room except the hall.", ""),
        ("Staff may use the lift.", ""),
    ],
)
def test_what_an_exception_allows_is_said_of_those_whom_it_names(sentence: str, allowed: str) -> None:
    assert permitted(sentence) == allowed
