"""What a stage makes its partitions of, and whether those in the lake are still made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from spymaster_resources.lake import (
    InputRef,
    Lake,
    Manifest,
    PartitionStatus,
    PartitionWriter,
    RawInput,
)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the bytes of a stage's partitions; their manifests record it."""

    tables: tuple[str, ...]
    code_version: str
    parameters: Mapping[str, Any]
    inputs: Sequence[InputRef | RawInput]

    def writer(
        self, lake: Lake, table: str, symbol: str, dt: date, *, threaded: bool = False
    ) -> PartitionWriter:
        """Return the writer of one partition made by this recipe."""
        return lake.writer(
            table,
            symbol,
            dt,
            parameters=self.parameters,
            inputs=self.inputs,
            code_version=self.code_version,
            threaded=threaded,
        )

    def current(self, lake: Lake, symbol: str, dt: date) -> list[Manifest] | None:
        """Return the published partitions if making them again would change nothing, else None."""
        manifests = []
        for table in self.tables:
            report = lake.explain(
                table,
                symbol,
                dt,
                code_version=self.code_version,
                parameters=self.parameters,
                inputs=self.inputs,
            )
            if report.status is not PartitionStatus.CURRENT or report.manifest is None:
                return None
            manifests.append(report.manifest)
        return manifests
