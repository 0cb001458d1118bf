"""The layouts and codes equal the vendor's."""

from __future__ import annotations

import databento_dbn
import numpy as np
import pytest

from spymaster_resources.dbn import layouts, route


def test_mbo_layout_equals_the_vendors() -> None:
    vendor = np.dtype(databento_dbn.MBOMsg._dtypes)
    ours = layouts.MBO_DTYPE
    assert ours.itemsize == 56
    for ours_name, (vendor_name, vendor_type) in zip(
        ours.names or (), databento_dbn.MBOMsg._dtypes, strict=True
    ):
        assert ours_name == vendor_name
        assert ours.fields is not None
        assert vendor.fields is not None
        assert ours.fields[ours_name][1] == vendor.fields[vendor_name][1]
        expected = "u1" if vendor_type == "S1" else vendor_type
        assert ours[ours_name] == np.dtype(expected)


@pytest.mark.parametrize(
    ("version", "message", "size"),
    [
        (1, databento_dbn.InstrumentDefMsgV1, 360),
        (2, databento_dbn.InstrumentDefMsgV2, 400),
        (3, databento_dbn.InstrumentDefMsg, 520),
    ],
)
def test_definition_layouts_equal_the_vendors(version: int, message: type, size: int) -> None:
    vendor = message._dtypes  # type: ignore[attr-defined]
    ours = layouts.layout_of("definition", version).dtype
    assert ours.itemsize == size
    assert ours.names == tuple(name for name, _ in vendor)
    for name, kind in vendor:
        assert ours[name] == np.dtype("u1" if kind == "S1" else kind), name


@pytest.mark.parametrize(
    ("schema", "version", "message", "size"),
    [
        ("statistics", 1, databento_dbn.StatMsgV1, 64),
        ("statistics", 2, databento_dbn.StatMsgV1, 64),
        ("statistics", 3, databento_dbn.StatMsg, 80),
        *(("cmbp-1", version, databento_dbn.CMBP1Msg, 80) for version in layouts.KNOWN_VERSIONS),
    ],
)
def test_quote_and_statistics_layouts_equal_the_vendors(
    schema: str, version: int, message: type, size: int
) -> None:
    vendor = message._dtypes  # type: ignore[attr-defined]
    ours = layouts.layout_of(schema, version).dtype
    assert ours.itemsize == size
    assert ours.names == tuple(name for name, _ in vendor)
    for name, kind in vendor:
        assert ours[name] == np.dtype("u1" if kind == "S1" else kind), name


def test_codes_equal_the_vendors() -> None:
    schemas = sorted(databento_dbn.Schema.variants(), key=lambda s: s.__index__())
    assert tuple(map(str, schemas)) == layouts.SCHEMAS
    stypes = sorted(databento_dbn.SType.variants(), key=lambda s: s.__index__())
    assert tuple(map(str, stypes)) == layouts.STYPES
    assert {int(r): str(r) for r in databento_dbn.RType.variants()} == layouts.RTYPES
    assert {str(a) for a in databento_dbn.Action.variants()} == set(layouts.ACTIONS)
    assert {str(s) for s in databento_dbn.Side.variants()} == set(layouts.SIDES)


def test_constants_equal_the_vendors() -> None:
    assert layouts.UNDEFINED_PRICE == databento_dbn.UNDEF_PRICE
    assert layouts.UNDEFINED_TIMESTAMP == databento_dbn.UNDEF_TIMESTAMP
    assert max(layouts.KNOWN_VERSIONS) == databento_dbn.DBN_VERSION
    assert [layouts.RTYPES[r] for r in layouts.GATEWAY_RTYPES] == [
        "error",
        "symbol-mapping",
        "system",
    ]
    flags = int(databento_dbn.F_SNAPSHOT) | int(databento_dbn.F_BAD_TS_RECV)
    assert flags == route.SNAPSHOT_OR_BAD_TS_RECV


def test_ts_out_adds_eight_bytes_behind_each_record() -> None:
    layout = layouts.layout_of("mbo", 2, ts_out=True)
    assert layout.dtype.itemsize == 64
    assert layouts.new_records(layout, 1)["length"][0] == 16
