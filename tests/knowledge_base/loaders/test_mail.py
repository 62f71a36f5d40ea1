"""E-mail: envelope, body and attachments."""

from email.message import EmailMessage
from email.policy import SMTP

from knowledge_base.loaders.mail import load_mail


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
