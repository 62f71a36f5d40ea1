"""Whatever is registered, promoted, rolled back and removed in whatever order: a dictionary agrees."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from finetune.registry.entry import verify
from finetune.registry.manifest import Description
from finetune.registry.registry import Registry
from knowledge_base.errors import InputError, NotFoundError
from tests.finetune.registry.folders import peft_folder

NAMES = st.sampled_from(["bank", "银行"])
NUMBERS = st.integers(1, 6)
SHIPPED = "bank"


class RegistryMachine(RuleBasedStateMachine):
    """Random changes on a registry and on dictionaries: `made` seeds by version, `last` highest numbers."""

    @initialize(shipped=st.booleans())
    def begin(self, shipped: bool) -> None:
        memory = Path("/dev/shm")
        self.directory = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.place = Path(self.directory.name)
        self.made: dict[str, dict[int, int]] = {"bank": {}, "银行": {}}
        self.last = {"bank": 0, "银行": 0}
        self.live: dict[str, int | None] = {"bank": None, "银行": None}
        self.previous: dict[str, int | None] = {"bank": None, "银行": None}
        self.shipped = shipped
        self.registry = Registry(self.place / "shipped")
        if shipped:
            self.register(SHIPPED, 0)
            self.promote(SHIPPED, 1)
        self.reopen()

    @rule(name=NAMES, seed=st.integers(0, 9))
    def register(self, name: str, seed: int) -> None:
        folder = peft_folder(self.place / "made", seed)
        number = self.registry.register(name, folder, Description(seeds={"training": seed}))
        assert number == self.last[name] + 1
        self.made[name][number] = seed
        self.last[name] = number

    @rule(name=NAMES, number=NUMBERS)
    def promote(self, name: str, number: int) -> None:
        if number not in self.made[name]:
            self.refused(NotFoundError, "promote", name, number)
            return
        assert self.registry.promote(name, number).live == number
        if self.live[name] != number:
            self.previous[name], self.live[name] = self.live[name], number

    @rule(name=NAMES)
    def rollback(self, name: str) -> None:
        if self.live[name] is None and self.previous[name] is None:
            self.refused(NotFoundError, "rollback", name)
            return
        self.live[name], self.previous[name] = self.previous[name], self.live[name]
        assert self.registry.rollback(name).live == self.live[name]

    @rule(name=NAMES, number=NUMBERS)
    def remove(self, name: str, number: int) -> None:
        if number not in self.made[name]:
            self.refused(NotFoundError, "remove", name, number)
        elif number == self.live[name] or (self.shipped and (name, number) == (SHIPPED, 1)):
            self.refused(InputError, "remove", name, number)
        else:
            self.registry.remove(name, number)
            del self.made[name][number]
            if self.previous[name] == number:
                self.previous[name] = None

    @rule()
    def reopen(self) -> None:
        self.registry = Registry(self.place / "adapters", self.place / "shipped")

    @invariant()
    def both_agree(self) -> None:
        assert self.registry.names() == sorted(name for name, made in self.made.items() if made)
        for name, made in self.made.items():
            assert self.registry.versions(name) == sorted(made)
            aliases = self.registry.aliases(name)
            assert (aliases.live, aliases.previous) == (self.live[name], self.previous[name])
            assert self.registry.serves(name) == (self.live[name] is not None)
            for number, seed in made.items():
                entry = self.registry.get(name, number)
                verify(entry)
                assert entry.manifest is not None
                assert entry.manifest.seeds == {"training": seed}
            if self.live[name] is not None:
                assert self.registry.find(name) == self.registry.get(name, self.live[name])

    def refused(self, kind: type[Exception], action: str, *arguments: object) -> None:
        try:
            getattr(self.registry, action)(*arguments)
        except kind:
            return
        raise AssertionError(f"{action}{arguments} was not refused")

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            self.directory.cleanup()


TestRegistry = RegistryMachine.TestCase
TestRegistry.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
