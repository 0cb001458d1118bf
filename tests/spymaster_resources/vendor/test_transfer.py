"""One file at a time: resume, checksums, patience, a disk that refuses, where the key may go."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from contracts.errors import StorageError, VendorFileError, VendorRefusedError
from spymaster_resources.gateway.server import Gateway
from spymaster_resources.vendor.client import Vendor, VendorFile
from spymaster_resources.vendor.products import FUTURES
from spymaster_resources.vendor.requests import underlying_requests, underlyings
from spymaster_resources.vendor.transfer import RESERVE_BYTES, Transfer, sha256_of
from tests.spymaster_resources.vendor.conftest import vendor_of
from tests.spymaster_resources.vendor.market import THURSDAY


@pytest.fixture
def vendor(gateway: Gateway) -> Vendor:
    """Return the vendor behind the gateway."""
    return vendor_of(gateway)


@pytest.fixture
def file(vendor: Vendor) -> VendorFile:
    """Return the data file of a finished job."""
    (es,) = underlyings(FUTURES, "ES")
    (request,) = underlying_requests(FUTURES, es, "mbo", THURSDAY)
    job = vendor.submit(request)
    while not (files := vendor.files(job.job_id)):
        vendor.patience.wait(0.01)
    return next(file for file in files if file.name.endswith(".zst"))


@pytest.fixture
def asked(vendor: Vendor) -> Iterator[tuple[Transfer, list[str | None]]]:
    """Return a transfer and the ranges that it asks for."""
    ranges: list[str | None] = []

    def note(response: requests.Response, *_: object, **__: object) -> None:
        ranges.append(response.request.headers.get("Range"))

    with Transfer(vendor) as transfer:
        transfer._session.hooks["response"].append(note)
        yield transfer, ranges


Asked = tuple[Transfer, list[str | None]]


def test_a_cut_file_goes_on_where_it_ended(
    gateway: Gateway, file: VendorFile, asked: Asked, tmp_path: Path
) -> None:
    transfer, ranges = asked
    gateway.faults.add("cut=0.5@file:2")
    transfer.fetch(file, tmp_path / "part")
    assert sha256_of(tmp_path / "part") == file.sha256
    assert ranges[0] is None
    starts = [int((text or "bytes=0-")[6:-1]) for text in ranges]
    assert starts == sorted(set(starts))
    assert len(starts) == 3


def test_what_an_earlier_process_left_is_kept(
    file: VendorFile, asked: Asked, tmp_path: Path
) -> None:
    transfer, ranges = asked
    transfer.fetch(file, tmp_path / "part")
    whole = (tmp_path / "part").read_bytes()
    (tmp_path / "part").write_bytes(whole[:1000])
    transfer.fetch(file, tmp_path / "part")
    assert ranges == [None, "bytes=1000-"]
    transfer.fetch(file, tmp_path / "part")
    assert len(ranges) == 2
    assert (tmp_path / "part").read_bytes() == whole


@pytest.mark.parametrize("left", [b"x" * 500, b"x" * 10_000_000])
def test_what_is_left_of_something_else_is_fetched_anew(
    file: VendorFile, asked: Asked, tmp_path: Path, left: bytes
) -> None:
    transfer, _ = asked
    (tmp_path / "part").write_bytes(left)
    transfer.fetch(file, tmp_path / "part")
    assert sha256_of(tmp_path / "part") == file.sha256


def test_a_200_to_a_range_restarts_the_file(
    gateway: Gateway, file: VendorFile, asked: Asked, tmp_path: Path
) -> None:
    transfer, ranges = asked
    gateway.faults.add("cut=0.5@file", "ignore_range@file")
    transfer.fetch(file, tmp_path / "part")
    assert len(ranges) == 2
    assert sha256_of(tmp_path / "part") == file.sha256


def test_a_wrong_checksum_is_fetched_again_and_ends_as_an_error(
    gateway: Gateway, file: VendorFile, asked: Asked, tmp_path: Path
) -> None:
    transfer, ranges = asked
    gateway.faults.add("corrupt@file:2")
    transfer.fetch(file, tmp_path / "part")
    assert ranges == [None, None, None]
    gateway.faults.add("corrupt@file:3")
    with pytest.raises(VendorFileError, match="3 times"):
        transfer.fetch(file, tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == b""


def test_a_definite_no_is_not_asked_again(
    gateway: Gateway, file: VendorFile, asked: Asked, tmp_path: Path
) -> None:
    transfer, ranges = asked
    gateway.faults.add("404@file:5")
    with pytest.raises(VendorRefusedError, match="404"):
        transfer.fetch(file, tmp_path / "part")
    assert len(ranges) == 1


def test_space_is_asked_for_before_the_first_byte(
    vendor: Vendor, file: VendorFile, tmp_path: Path
) -> None:
    with (
        Transfer(vendor, lambda _: RESERVE_BYTES + file.size - 1) as transfer,
        pytest.raises(StorageError, match="make room"),
    ):
        transfer.fetch(file, tmp_path / "part")
    with Transfer(vendor, lambda _: RESERVE_BYTES + file.size) as transfer:
        transfer.fetch(file, tmp_path / "part")


def test_a_write_that_the_system_refuses_is_a_storage_error_and_resumes(
    vendor: Vendor, file: VendorFile, tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Transfer(vendor) as transfer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
        try:
            with pytest.raises(StorageError, match="cannot be written"):
                transfer.fetch(file, tmp_path / "part")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
        assert (tmp_path / "part").stat().st_size == 5000
        transfer.fetch(file, tmp_path / "part")
    assert sha256_of(tmp_path / "part") == file.sha256


@pytest.mark.parametrize(
    "url",
    ["https://files.example.com/x", "http://127.0.0.2/x", "http://databento.com.example.com/x"],
)
def test_the_key_goes_to_no_other_host(vendor: Vendor, url: str) -> None:
    with pytest.raises(VendorFileError, match="the key is sent to"):
        vendor.authorization(url)


def test_the_key_goes_to_the_vendor_over_https_and_to_this_machine(vendor: Vendor) -> None:
    vendor.authorization("http://127.0.0.1:1/x")
    vendor.authorization("https://hist.databento.com/x")
    with pytest.raises(VendorFileError):
        vendor.authorization("http://hist.databento.com/x")
