"""The scorecard: what was counted, by names that all tables share."""

from __future__ import annotations

from spymaster_resources.lake.manifest import ContractRef, Manifest, Scalar
from spymaster_resources.scorecard import scorecard


def manifest(**counters: Scalar) -> Manifest:
    return Manifest(
        dataset="silver.future_mbo.book_snapshot_1s",
        symbol="ESH6",
        dt=None,
        row_count=0,
        sort_key_min=None,
        sort_key_max=None,
        contract=ContractRef("c", 1, "0"),
        code_version="1",
        parameters={},
        files=(),
        inputs=(),
        raw_inputs=(),
        counters=counters,
    )


def test_what_belongs_together_is_added_up_and_shares_are_shares() -> None:
    counted = manifest(
        windows=4,
        valid_windows=3,
        crossed_seconds=2,
        gaps=1,
        longest_gap_s=70,
        unknown_cancels=1,
        unknown_modifies=10,
        fills_unknown_order=100,
        late_records=5,
        flag_price_outlier=6,
        adds=999,
        opening="clear",
    )
    assert scorecard(counted) == {
        "valid_share": 0.75,
        "crossed_seconds": 2,
        "gaps": 1,
        "longest_gap_s": 70,
        "unknown_ids": 111,
        "late_records": 5,
        "flag_price_outlier": 6,
    }


def test_what_was_not_counted_is_no_zero() -> None:
    assert scorecard(manifest(rejected_price=2, rejected_size=1)) == {"rejects": 3}
    assert scorecard(manifest(valid_share=0.5, windows=2)) == {"valid_share": 0.5}
    assert scorecard(manifest()) == {}
