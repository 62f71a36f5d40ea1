"""E-mail: envelope, body and attachments."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.mail import load_mail, load_mailbox, load_web_archive
from knowledge_base.notes import Note


def message(subject: str = "年费调整") -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"] = "零售部 <retail@bank.example>", "all@bank.example"
    made["Subject"], made["Date"] = subject, "Mon, 22 Dec 2025 16:40:00 +0800"
    return made


def test_envelope_text_and_attachments() -> None:
    made = message()
    made.set_content("各位：\n\n白金卡年费为680元。", charset="gb18030", cte="base64")
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="收费.pdf")
    loaded = load_mail(made.as_bytes())
    assert loaded.title == "年费调整"
    assert [block.text for block in loaded.blocks] == [
        "From: 零售部 <retail@bank.example>; To: all@bank.example; Date: 2025-12-22 16:40; "
        "Subject: 年费调整; Attachments: 收费.pdf",
        "各位：",
        "白金卡年费为680元。",
    ]


def test_of_two_versions_the_one_with_structure_is_read() -> None:
    made = message("Fees")
    made.set_content("plain")
    made.add_alternative(
        "<h1>Fees</h1><table><tr><th>Card</th><th>Fee</th></tr><tr><td>Gold</td><td>5</td></tr></table>",
        subtype="html",
    )
    assert [block.text for block in load_mail(made.as_bytes()).blocks][1:] == ["Card: Gold; Fee: 5"]


def test_raw_bytes_in_headers_and_an_unknown_charset() -> None:
    data = "Subject: 通知\nFrom: a@b\nContent-Type: text/plain; charset=x-unknown\n\n正文内容在此。".encode(
        "gb18030"
    )
    loaded = load_mail(data)
    assert loaded.title == "通知"
    assert loaded.blocks[-1].text == "正文内容在此。"


def test_a_message_without_text() -> None:
    made = message("Only files")
    made.add_attachment(b"x", maintype="application", subtype="zip", filename="a.zip")
    assert "Attachments: a.zip" in load_mail(made.as_bytes()).blocks[0].text


def test_forwarded_messages_and_attached_files_are_read() -> None:
    inner = message("Limits")
    inner.set_content("The new limit is 20,000 euro.")
    made = message("Fwd: limits")
    made.set_content("See below.")
    made.add_attachment(inner)
    made.add_attachment(b"Card,Fee\nGold,5\n", maintype="text", subtype="csv", filename="fees.csv")
    made.add_attachment(b"\0\1", maintype="application", subtype="x-dwg", filename="plan.dwg")
    loaded = load_mail(made.as_bytes())
    texts = [block.text for block in loaded.blocks]
    assert texts[1:3] == ["See below.", "Limits"]
    assert texts[4:] == ["The new limit is 20,000 euro.", "fees.csv", "Card: Gold; Fee: 5"]
    assert loaded.notes == (Note("part_unread", name="plan.dwg"),)


def test_a_wrong_charset_of_one_header_costs_not_even_that() -> None:
    subject = "=?us-ascii?Q?=C4=EA=B7=D1?="  # GBK under another name
    data = f"Subject: {subject}\nTo: =?x-nothing?B?YWxs?=\nFrom: =?utf-8?B?%%%?=\n\nBody".encode()
    loaded = load_mail(data)
    assert loaded.title == "年费"
    assert loaded.blocks[-1].text == "Body"


def test_a_mailbox_and_a_page_in_one_file() -> None:
    box = "From a@b Mon\nSubject: One\n\nFirst.\nFrom here on it is text.\n\n"
    box += "From c@d Tue\nSubject: Two\n\nSecond.\n"
    texts = [block.text for block in load_mailbox(box.encode()).blocks]
    assert texts == [
        "One",
        "Subject: One",
        "First.\nFrom here on it is text.",
        "Two",
        "Subject: Two",
        "Second.",
    ]
    made = EmailMessage()
    made.set_content(
        "<html><head><title>Fees</title></head><body><p>Gold 5</p></body></html>", subtype="html"
    )
    made.add_related(b"x", maintype="image", subtype="png")
    loaded = load_web_archive(made.as_bytes())
    assert (loaded.title, loaded.blocks[0].text) == ("Fees", "Gold 5")
    with pytest.raises(LoadError, match="not a mailbox"):
        load_mailbox(b"text")
    with pytest.raises(LoadError, match="no web page"):
        load_web_archive(b"Subject: x\n\ntext")
