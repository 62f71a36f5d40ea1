"""Which versions there are, and what a question can choose."""

from pathlib import Path

from app.access.values import LOCAL
from app.session import Session
from app.versions import versions_of
from finetune.registry.entry import Entry
from finetune.registry.manifest import Description, Verdict
from knowledge_base.errors import ModelError
from tests.fake_retraining import FakeRegistry
from tests.fake_workspace import FakeWorkspace

MEASURED = Description(
    evaluation={
        "base": {"f1": 0.1},
        "candidate": {"f1": 0.7, "refusal_recall": None, "citations": 1, "count": 150},
    },
    verdict=Verdict(promoted=True, reasons=("better",)),
)


class DamagedRegistry(FakeRegistry):
    """Cannot give its second version."""

    def find(self, text: str) -> Entry:
        """As the fake does, but for one."""
        if text.endswith("@2"):
            raise ModelError("It is damaged.", "Import it again.")
        return super().find(text)


def test_versions_are_listed_newest_first_with_what_is_live_and_what_was() -> None:
    registry = FakeRegistry()
    for _ in range(3):
        registry.add("bank", Description())
    registry.add("cards", Description())
    registry.promote("bank", 1)
    registry.promote("bank", 3)
    listed = versions_of(registry)
    assert [(version.reference, version.state) for version in listed] == [
        ("bank@3", "live"),
        ("bank@2", ""),
        ("bank@1", "previous"),
        ("cards@1", ""),
    ]


def test_a_version_shows_its_figures_verdict_and_report(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>", encoding="utf-8")
    registry = FakeRegistry()
    registry.add("bank", MEASURED, tmp_path)
    registry.add("bank", Description())
    other, measured = versions_of(registry)
    assert measured.figures == {"f1": 0.7, "citations": 1.0}
    assert measured.verdict == MEASURED.verdict
    assert (measured.has_report, other.has_report, other.figures) == (True, False, {})


def test_a_damaged_version_says_so_and_the_others_are_there() -> None:
    registry = DamagedRegistry()
    for _ in range(3):
        registry.add("bank", MEASURED)
    assert [version.problem for version in versions_of(registry)] == ["", "It is damaged.", ""]


def test_choices_show_the_live_version_and_begin_with_the_collections_own() -> None:
    workspace = FakeWorkspace()
    workspace.registry.add("bank", Description())
    session = Session(workspace, LOCAL)
    assert session.choices("bank") == [("base", "base"), ("fees", "fees")]
    workspace.registry.promote("bank", 1)
    assert session.choices("bank") == [("bank@1", "bank"), ("base", "base"), ("fees", "fees")]
    assert session.choices("other")[0] == ("base", "base")
