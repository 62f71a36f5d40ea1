"""What was filled in counts as text: fields, ticked boxes, typed annotations."""

from reportlab.pdfgen.canvas import Canvas

from tests.knowledge_base.loaders.pdf.building import drawn, lines, texts, written


def test_values_of_fields_stand_beside_their_names() -> None:
    def draw(canvas: Canvas) -> None:
        lines(["Name of account holder", "Monthly limit", "Card", "I agree", "I do not agree"], leading=30)(
            canvas
        )
        form = canvas.acroForm
        form.textfield(name="holder", value="Example Trading Ltd", x=220, y=733, width=200, height=20)
        form.textfield(name="limit", value="25000 EUR", x=220, y=703, width=200, height=20)
        form.choice(name="card", value="Gold", options=["Gold", "Black"], x=220, y=673, width=100, height=20)
        form.checkbox(name="yes", checked=True, x=220, y=640, size=20)
        form.checkbox(name="no", checked=False, x=220, y=610, size=20)
        form.textfield(name="empty", value="", x=220, y=580, width=200, height=20)

    text = "\n".join(texts(drawn(draw)))
    for pair in ("account holder", "Example Trading Ltd"), ("limit", "25000 EUR"), ("Card", "Gold"):
        assert any(all(part in line for part in pair) for line in text.splitlines()), pair
    assert "I agree: ☑" in text or "I agree ☑" in text
    assert "I do not agree: ☐" in text or "I do not agree ☐" in text


def test_a_form_that_holds_nothing_but_values_is_not_refused() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.acroForm.textfield(name="n", value="Li Na", x=60, y=700, width=200, height=20)

    assert texts(drawn(draw)) == ["Li Na"]


def test_text_that_was_typed_on_a_page() -> None:
    typed = "<</Type/Annot/Subtype/FreeText/Rect[300 695 500 715]/Contents(paid on 3 May)>>"
    hidden = "<</Type/Annot/Subtype/FreeText/F 2/Rect[300 600 500 620]/Contents(hidden)>>"
    data = written("BT /F1 10 Tf 60 700 Td (Invoice 17) Tj ET", page=f"/Annots[{typed}{hidden}]")
    assert texts(data) == ["Invoice 17 paid on 3 May"]
