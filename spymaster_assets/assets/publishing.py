"""Turn a stage into Dagster events: checks on the staged partition, then its materialisation."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import dagster as dg

from contracts.registry import dataset
from spymaster_assets.checks.audit import CheckingAudit
from spymaster_assets.checks.check import Check, Outcome
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.errors import ACTIONABLE, one_line
from spymaster_assets.preview import preview_features
from spymaster_assets.stages.context import StageContext
from spymaster_resources.lake import Lake, Manifest

Built = TypeVar("Built")


def check_specs(
    dataset_key: str, asset: dg.AssetKey, partitions: dg.PartitionsDefinition[str] | None
) -> list[dg.AssetCheckSpec]:
    """Return the declarations of a dataset's checks, so that they show before the first run."""
    with preview_features():
        return [
            dg.AssetCheckSpec(
                name=check.name,
                asset=asset,
                description=check.expectation,
                blocking=check.blocking,
                partitions_def=partitions,
            )
            for check in checks_of(dataset_key)
        ]


def publish(
    context: dg.AssetExecutionContext,
    ctx: StageContext,
    keys: Mapping[str, dg.AssetKey],
    build: Callable[[StageContext], Sequence[Manifest]],
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Run `build` and yield results of checks and materialisations of the selected assets.

    `keys` gives the asset of each dataset.
    """
    manifests = yield from checked(context, ctx, keys, build)
    for dataset_key, asset_key in keys.items():
        parts = [m for m in manifests if m.dataset == dataset_key]
        if parts and asset_key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=asset_key, metadata=_metadata(ctx.lake, parts))


def checked(
    context: dg.AssetExecutionContext,
    ctx: StageContext,
    keys: Mapping[str, dg.AssetKey],
    build: Callable[[StageContext], Built],
) -> Generator[dg.AssetCheckResult, None, Built]:
    """Run `build`, yield results of the selected checks and return what it returned.

    A red blocking check is reported and ends the step with nothing published. Errors that a person
    must act on end it without a retry.
    """
    audit = CheckingAudit(ctx)
    try:
        built = build(replace(ctx, audit=audit))
    except ACTIONABLE as error:
        yield from _check_results(context, keys, audit)
        raise failure(error) from error
    yield from _check_results(context, keys, audit)
    return built


def failure(error: Exception) -> dg.Failure:
    """Return what ends a step for an error that running again does not mend."""
    return dg.Failure(description=one_line(error), allow_retries=False)


def column_schema(dataset_key: str) -> dg.TableSchema:
    """Return the contract of a dataset as Dagster's table schema."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=f.name,
                type=str(f.type) if f.symbols is None else f"enum {'/'.join(f.symbols)}",
                description=f"{f.doc} [{f.unit}]",
                constraints=dg.TableColumnConstraints(nullable=f.nullable),
            )
            for f in dataset(dataset_key).contract.fields
        ]
    )


def _metadata(lake: Lake, parts: Sequence[Manifest]) -> Mapping[str, Any]:
    from spymaster_assets.assets.describe import describe

    largest = max(parts, key=lambda m: m.row_count)
    return {
        "dagster/row_count": sum(m.row_count for m in parts),
        "symbols": ", ".join(m.symbol for m in parts if m.symbol),
        **describe(lake, largest),
        "bytes": sum(m.size for m in parts),
        "manifest_sha256": largest.sha256,
    }


def _check_results(
    context: dg.AssetExecutionContext, keys: Mapping[str, dg.AssetKey], audit: CheckingAudit
) -> Iterator[dg.AssetCheckResult]:
    for check, outcomes in audit.by_check():
        asset_key = keys[check.dataset]
        if dg.AssetCheckKey(asset_key, check.name) in context.selected_asset_check_keys:
            yield _check_result(asset_key, check, outcomes)


def _check_result(
    asset_key: dg.AssetKey, check: Check, outcomes: Sequence[Outcome]
) -> dg.AssetCheckResult:
    red = [o for o in outcomes if not o.passed]
    metadata: dict[str, Any] = {
        "expected": check.expectation,
        "found": "; ".join(o.sentence for o in red or outcomes),
        "offending_rows": sum(o.finding.offending for o in outcomes),
    }
    for outcome in outcomes:
        metadata |= outcome.finding.numbers
    rows = [row for o in red for row in o.finding.rows]
    if rows:
        records = [dg.TableRecord({k: _plain(v) for k, v in row.items()}) for row in rows]
        metadata["offenders"] = dg.MetadataValue.table(records)
    return dg.AssetCheckResult(
        asset_key=asset_key,
        check_name=check.name,
        passed=not red,
        severity=(dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN),
        description=red[0].sentence if red else f"{check.expectation}: holds",
        metadata=metadata,
    )


def _plain(value: Any) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
