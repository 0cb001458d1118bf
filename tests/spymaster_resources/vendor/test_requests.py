"""What is asked of the vendor, and what never leaves this machine."""

from __future__ import annotations

import pickle

import pytest

from contracts.errors import ConfigurationError
from spymaster_resources.vendor.client import JobTerms, Vendor, _terms
from spymaster_resources.vendor.products import EQUITIES, FUTURES, raw_folder
from spymaster_resources.vendor.redaction import Secret, without_account
from spymaster_resources.vendor.requests import (
    PARENT,
    definition_requests,
    option_requests,
    requests_of_day,
    underlying_requests,
    underlyings,
)
from tests.spymaster_resources.vendor.conftest import KEY
from tests.spymaster_resources.vendor.market import THURSDAY


@pytest.mark.parametrize(
    ("market", "text", "stype_in", "symbols", "dataset", "product"),
    [
        (FUTURES, "ES", "parent", ("ES.FUT",), "GLBX.MDP3", "future_mbo"),
        (FUTURES, "NQ.FUT", "parent", ("NQ.FUT",), "GLBX.MDP3", "future_mbo"),
        (FUTURES, "ESU4,ESM4", "raw_symbol", ("ESM4", "ESU4"), "GLBX.MDP3", "future_mbo"),
        (EQUITIES, "QQQ", "raw_symbol", ("QQQ",), "XNAS.ITCH", "equity_mbo"),
    ],
)
def test_underlyings(
    market: object, text: str, stype_in: str, symbols: tuple[str, ...], dataset: str, product: str
) -> None:
    chosen = FUTURES if market is FUTURES else EQUITIES
    (underlying,) = underlyings(chosen, text)
    (request,) = underlying_requests(chosen, underlying, "mbo", THURSDAY)
    assert (request.stype_in, request.symbols) == (stype_in, symbols)
    assert (request.dataset, request.product_type) == (dataset, product)
    assert (request.dt.isoformat(), request.end.isoformat()) == ("2024-05-09", "2024-05-10")


def test_definitions_are_asked_by_parent_and_options_by_name() -> None:
    (es,) = definition_requests(FUTURES, "ES", THURSDAY, ["EW3", "ES"])
    assert (es.schema, es.stype_in, es.symbols) == ("definition", "parent", ("ES.OPT", "EW3.OPT"))
    (qqq,) = definition_requests(EQUITIES, "QQQ", THURSDAY, ["QQQ"])
    assert (qqq.dataset, qqq.symbols) == ("OPRA.PILLAR", ("QQQ.OPT",))
    (option,) = option_requests(EQUITIES, "QQQ", "cmbp-1", THURSDAY, ["QQQ   240509C00440000"])
    assert (option.dataset, option.stype_in) == ("OPRA.PILLAR", "raw_symbol")
    assert option.key == "OPRA.PILLAR|cmbp-1|QQQ|2024-05-09|equity_option_cmbp_1"


@pytest.mark.parametrize(("n", "sizes"), [(1, [1]), (2000, [2000]), (2001, [2000, 1])])
def test_2000_symbols_fit_into_one_request(n: int, sizes: list[int]) -> None:
    names = [f"E2DK4 C{number}" for number in range(n)]
    found = option_requests(FUTURES, "ES", "mbo", THURSDAY, [*names, *names[:5]])
    assert [len(request.symbols) for request in found] == sizes
    assert sorted(name for request in found for name in request.symbols) == sorted(names)
    assert len({request.key for request in found}) == len(sizes)


@pytest.mark.parametrize("symbols", [[], ["ES"], ["es.FUT"], ["ES.FUT,NQ.FUT"], ["ALL_SYMBOLS"]])
def test_what_is_no_parent_is_refused(symbols: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="expected symbols of type parent"):
        requests_of_day("future_mbo", "GLBX.MDP3", "mbo", "ES", THURSDAY, PARENT, symbols)


def test_a_job_of_the_vendors_list_is_known_by_its_terms() -> None:
    (request,) = definition_requests(FUTURES, "ES", THURSDAY, ["EW3", "ES"])
    entry = {
        "dataset": "GLBX.MDP3",
        "schema": "definition",
        "stype_in": "parent",
        "symbols": "EW3.OPT,ES.OPT",
        "start": "2024-05-09T00:00:00.000000000Z",
        "end": "2024-05-10 00:00:00+00:00",
        "limit": None,
        "encoding": "dbn",
        "compression": "zstd",
        "split_duration": "day",
        "split_symbols": False,
    }
    assert _terms(entry) == JobTerms.of(request)
    assert _terms(entry | {"symbols": ["ES.OPT", "EW3.OPT"]}) == JobTerms.of(request)
    for change in (
        {"limit": 10},
        {"encoding": "csv"},
        {"start": "2024-05-09T00:00:00.000000001Z"},
        {"split_symbols": True},
        {"symbols": ""},
    ):
        assert _terms(entry | change) is None
    assert _terms(entry | {"symbols": "EW3.OPT"}) != JobTerms.of(request)


def test_raw_folders() -> None:
    assert raw_folder("equity_option_cmbp_1", "QQQ", "cmbp-1") == (
        "raw/source=databento/product_type=equity_option_cmbp_1/symbol=QQQ/table=cmbp_1"
    )


def test_a_secret_shows_itself_only_on_demand() -> None:
    secret = Secret(KEY)
    assert KEY not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == KEY
    assert secret.redact(f"bad key {KEY}!") == "bad key ***!"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert KEY not in repr(Vendor(secret, "https://127.0.0.1:1"))


def test_account_fields_and_urls_leave_a_document() -> None:
    document = {
        "job_id": "J",
        "user_id": "U",
        "files": [{"filename": "f", "urls": {"https": "https://h/U/J/f"}, "size": 3}],
        "text": "see ftp://h/U/J now",
    }
    assert without_account(document) == {
        "job_id": "J",
        "files": [{"filename": "f", "size": 3}],
        "text": "see *** now",
    }


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="DATABENTO_API_KEY"):
        Vendor.from_environment(environment={"DATABENTO_API_KEY": "  "})
