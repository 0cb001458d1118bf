"""The checks of staged partitions, before they are published."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence

from spymaster_assets.checks.check import Check, Outcome, require_blocking, run_checks
from spymaster_assets.checks.subject import Kept
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.memory import give_back
from spymaster_assets.stages.context import StageContext
from spymaster_resources.lake import StagedPartition

_log = logging.getLogger(__name__)


class CheckingAudit:
    """Runs the checks of staged partitions and keeps red ones from being published."""

    def __init__(self, ctx: StageContext) -> None:
        self._ctx = ctx
        self._outcomes: list[Outcome] = []
        self._kept: Kept = {}

    def __call__(self, staged: Sequence[StagedPartition]) -> None:
        """Check `staged`; raises DataQualityError when a blocking check is red."""
        give_back()
        started = time.perf_counter()
        outcomes = [
            outcome
            for part in staged
            for outcome in run_checks(
                checks_of(part.dataset),
                part,
                ctx=self._ctx,
                siblings=[p for p in staged if p.symbol == part.symbol],
                kept=self._kept,
            )
        ]
        self._outcomes += outcomes
        seconds = time.perf_counter() - started
        tables = ", ".join(sorted({part.dataset for part in staged}))
        _log.info("%d checks of %s took %.2f s", len(outcomes), tables, seconds)
        require_blocking(outcomes)

    def by_check(self) -> Iterator[tuple[Check, list[Outcome]]]:
        """Yield every check that ran with its outcomes over all partitions of its dataset."""
        found: dict[tuple[str, str], list[Outcome]] = {}
        for outcome in self._outcomes:
            found.setdefault((outcome.check.dataset, outcome.check.name), []).append(outcome)
        for outcomes in found.values():
            yield outcomes[0].check, outcomes
