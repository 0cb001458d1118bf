"""The asset graph is what `graph.json` says.

After a wanted change write it anew: `python -m tests.spymaster_assets.test_graph`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg

from spymaster_assets.definitions import definitions
from spymaster_assets.partitions import daily_partitions
from spymaster_resources.settings import Settings

SNAPSHOT = Path(__file__).with_name("graph.json")
HEAVY = (
    "numba",
    "requests",
    "duckdb",
    "scipy",
    "sklearn",
    "matplotlib",
    "databento",
    "exchange_calendars",
)


def described(settings: Settings) -> dict[str, Any]:
    """Return everything of the graph that a person or another program relies on."""
    defs = definitions(settings)
    graph = defs.resolve_asset_graph()
    assets = {}
    for key in sorted(graph.get_all_asset_keys(), key=dg.AssetKey.to_user_string):
        node = graph.get(key)
        partitions = node.partitions_def
        assets[key.to_user_string()] = {
            "group": node.group_name,
            "kinds": sorted(node.kinds),
            "code_version": node.code_version,
            "partitions": None if partitions is None else described_partitions(partitions),
            "depends_on": {
                parent.to_user_string(): "all of it"
                if graph.get(parent).partitions_def is None
                else described_mapping(node.partition_mappings.get(parent))
                for parent in sorted(node.parent_keys, key=dg.AssetKey.to_user_string)
            },
            "checks": {
                check.name: {
                    "blocking": graph.get_check_spec(check).blocking,
                    "partitioned": graph.get_check_spec(check).partitions_def is not None,
                }
                for check in sorted(node.check_keys)
            },
            "executable": node.is_executable,
        }
    repository = defs.get_repository_def()
    jobs = [job for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
    return {
        "assets": assets,
        "jobs": {
            job.name: sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys)
            for job in sorted(jobs, key=lambda job: job.name)
        },
        "sensors": {
            sensor.name: {
                "jobs": [target.job_name for target in sensor.targets],
                "interval_s": sensor.minimum_interval_seconds,
                "status": sensor.default_status.value,
            }
            for sensor in repository.sensor_defs
        },
        "schedules": {
            schedule.name: {
                "job": schedule.job_name,
                "cron": f"{schedule.cron_schedule} {schedule.execution_timezone}",
                "status": schedule.default_status.value,
            }
            for schedule in repository.schedule_defs
        },
    }


def described_partitions(partitions: dg.PartitionsDefinition[str]) -> str:
    assert isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    return (
        f"daily {partitions.timezone} from {partitions.start:%Y-%m-%d}, "
        f"{len(partitions.exclusions or ())} exclusions"
    )


def described_mapping(mapping: dg.PartitionMapping | None) -> str:
    if isinstance(mapping, dg.TimeWindowPartitionMapping):
        return f"sessions {mapping.start_offset:+d} to {mapping.end_offset:+d}"
    if isinstance(mapping, dg.AllPartitionMapping):
        return "every session"
    assert mapping is None
    return "same session"


def test_graph_is_the_committed_one() -> None:
    assert described(Settings()) == json.loads(SNAPSHOT.read_text("utf-8"))


def test_a_root_more_is_a_graph_more() -> None:
    one, two = described(Settings()), described(Settings(roots=("ES", "NQ")))
    assert set(one["assets"]) < set(two["assets"])
    new = set(two["assets"]) - set(one["assets"])
    of_es = {name for name in one["assets"] if "/ES/" in name}
    assert new == {name.replace("/ES/", "/NQ/") for name in of_es}
    assert set(two["sensors"]) - set(one["sensors"]) == {"raw_files_NQ"}


def test_without_tickers_there_is_no_equity() -> None:
    names = described(Settings(tickers=()))["assets"]
    assert names
    assert not [name for name in names if "equity" in name]


def test_partitions_are_the_trading_days_of_the_calendar() -> None:
    cme, every = daily_partitions("CMES"), daily_partitions("any")
    assert cme.has_partition_key("2026-01-19")  # Martin Luther King: a session at CME, none at NYSE
    assert not daily_partitions("XNYS").has_partition_key("2026-01-19")
    for day in ("2023-12-25", "2026-01-03", "2026-01-04"):
        assert not cme.has_partition_key(day)
        assert every.has_partition_key(day)
    keys = cme.get_partition_keys_in_range(dg.PartitionKeyRange("2025-12-23", "2026-01-05"))
    assert [key[-5:] for key in keys] == [
        *("12-23", "12-24", "12-26", "12-29", "12-30", "12-31"),  # neither Christmas nor weekend
        *("01-02", "01-05"),
    ]


def test_the_graph_loads_without_the_engines_behind_it() -> None:
    program = (
        "import sys, spymaster_assets.definitions as d; d.defs; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout.decode().strip() == "[]"


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(described(Settings()), indent=2) + "\n", "utf-8")
