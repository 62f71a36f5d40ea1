"""Versions of adapters with what was measured of each, and a report within the page."""

from collections.abc import Sequence

from app.page.markup import Markup, icon, join, tag
from app.page.rendering.notices import hint
from app.page.rendering.times import moment
from app.page.texts import Texts
from app.versions import Version
from finetune.reasons import StoredReason
from finetune.registry.manifest import Verdict
from finetune.report.words import sentences_of


def table(versions: Sequence[Version], texts: Texts) -> Markup:
    """All versions with their verdicts and figures, and what can be done with each."""
    if not versions:
        return hint(texts.no_adapters)
    titles = (texts.adapter_version, texts.measured, "")
    head = tag("thead", tag("tr", *[tag("th", title, scope="col") for title in titles]))
    rows = [_row(version, texts) for version in versions]
    return tag("table", head, tag("tbody", *rows), cls="dq-table dq-versions")


def sheet(title: str, address: str, texts: Texts) -> Markup:
    """A report over the page, in a frame that runs nothing."""
    close = tag(
        "button",
        icon("close"),
        cls="dq-icon-button",
        type="button",
        data_event="close",
        title=texts.close,
        aria_label=texts.close,
    )
    alone = tag("a", texts.new_tab, href=address, target="_blank", rel="noopener", cls="dq-link")
    head = tag("header", tag("h3", title), alone, close)
    frame = tag("iframe", src=address, sandbox=True, title=title)
    return tag("div", tag("section", head, frame, role="dialog", aria_label=title), cls="dq-sheet")


def report_button(name: str, kind: str, texts: Texts) -> Markup:
    """Opens the report of a run ("run") or of a version ("version")."""
    return tag(
        "button",
        icon("document"),
        texts.report,
        cls="dq-small-button",
        type="button",
        data_event="report",
        data_kind=kind,
        data_name=name,
    )


def verdict_pill(verdict: Verdict, texts: Texts) -> Markup:
    """The decision of the gate in a word."""
    word, cls = (texts.passed, "dq-good") if verdict.promoted else (texts.rejected, "dq-bad")
    return tag("span", word, cls=f"dq-pill {cls}")


def _row(version: Version, texts: Texts) -> Markup:
    return tag(
        "tr",
        tag("td", _name(version, texts)),
        tag("td", _measured(version, texts), cls="dq-measured"),
        tag("td", tag("div", *_actions(version, texts), cls="dq-row-actions")),
        cls="dq-is-live" if version.state == "live" else "",
    )


def _name(version: Version, texts: Texts) -> Markup:
    states = {"live": (texts.live, "dq-live-pill"), "previous": (texts.previous, "")}
    pills = [tag("span", word, cls=f"dq-pill {cls}".strip()) for word, cls in _of(states, version.state)]
    if version.verdict:
        pills.append(verdict_pill(version.verdict, texts))
    if version.problem:
        pills.append(tag("span", texts.unusable, cls="dq-pill dq-bad", title=version.problem))
    created = tag("i", moment(version.created)) if version.created else ""
    return tag("b", version.reference) + tag("div", *pills, cls="dq-pills") + created


def _of(states: dict[str, tuple[str, str]], state: str) -> list[tuple[str, str]]:
    return [states[state]] if state in states else []


def _measured(version: Version, texts: Texts) -> Markup:
    if version.problem:
        return tag("p", version.problem, cls="dq-hint")
    figures = [_figure(name, value, texts) for name, value in version.figures.items()]
    shown = tag("dl", *figures, cls="dq-figures") if figures else hint(texts.not_measured)
    reasons = version.verdict.reasons if version.verdict else ()
    if not reasons:
        return shown
    why = tag("details", tag("summary", texts.why), reasons_list(reasons, texts), cls="dq-why")
    return shown + why


def reasons_list(reasons: Sequence[StoredReason], texts: Texts) -> Markup:
    """Why the gate decided so."""
    sentences = sentences_of(reasons, texts.language)
    return tag("ul", *[tag("li", sentence) for sentence in sentences], cls="dq-reasons")


def _figure(name: str, value: float, texts: Texts) -> Markup:
    labels = {
        "f1": texts.right_answers,
        "refusal_recall": texts.right_refusals,
        "false_refusals": texts.wrong_refusals,
        "citations": texts.right_citations,
    }
    shown = f"{value:.2f}" if name == "f1" else f"{100 * value:.0f} %"
    return tag("div", tag("dt", labels[name]), tag("dd", shown))


def _actions(version: Version, texts: Texts) -> list[Markup]:
    actions: list[Markup] = []
    if version.number and version.state != "live" and not version.problem:
        actions.append(_action("promote", version, texts.promote))
    if version.number and version.state == "live":
        actions.append(_action("rollback", version, texts.roll_back))
    if version.has_report:
        actions.append(report_button(version.reference, "version", texts))
    return actions


def _action(event: str, version: Version, label: str) -> Markup:
    return tag(
        "button",
        label,
        cls="dq-small-button",
        type="button",
        data_event=event,
        data_adapter=version.reference,
        aria_label=join([label, " ", version.reference]),
    )
