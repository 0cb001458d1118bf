"""Which sessions the lake has: the answer of `/v1/sessions`, made anew only where it changed."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from contracts.errors import LakeError
from spymaster_resources.lake import Lake, Manifest
from web.service.logs import note
from web.service.manifests import is_calibrated, manifests_of, scorecard_of
from web.service.surfaces import OPTION_PRODUCTS, SESSION_PRODUCTS, Surface, datasets_of, records_of
from web.service.symbols import SessionKey, Symbols

SCORECARD: Final = "calibration/physics_beta_gamma_eval.json"
REST: Final = 3.0
"""A listing is good for so many times what it took: asking without end costs a quarter core."""

logger = logging.getLogger(__name__)

Marks = dict[str, str]
"""By dataset the mark of what is published; it changes with each publication."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer as JSON, and the name of its content."""

    content: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class _Made:
    """An answer and what it was made of: sessions that could be read, and their parts of it."""

    answer: Answer
    listed: Mapping[SessionKey, Marks]
    scorecard: bytes | None
    entries: Mapping[SessionKey, str]


class SessionListing:
    """The published sessions of one lake. Every method reads files: call it in a worker thread.

    Each call looks at the mark of every manifest, unless another did a moment ago; a manifest is
    read when its mark is new. What is kept is bounded by what the lake has.
    """

    def __init__(
        self, lake: Lake, symbols: Symbols, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lake = lake
        self._symbols = symbols
        self._clock = clock
        self._looking = threading.Lock()
        self._listed: dict[SessionKey, Marks] = {}
        self._good_until_s = float("-inf")
        self._answering = threading.Lock()
        self._made = _Made(_answer({}, (), None), {}, None, {})

    def sessions(self) -> Mapping[SessionKey, Marks]:
        """Return every session with its tables and records, in order of product, symbol, date."""
        with self._looking:
            began_s = self._clock()
            if began_s >= self._good_until_s:
                self._listed = self._list()
                ended_s = self._clock()
                self._good_until_s = ended_s + REST * (ended_s - began_s)
            return self._listed

    def answer(self) -> Answer:
        """Return the answer of `/v1/sessions`."""
        with self._answering:
            made, listed = self._made, self.sessions()
            scorecard = self._lake.document(SCORECARD)
            if (listed, scorecard) != (made.listed, made.scorecard):
                entries, faults = {}, set()
                for key, marks in listed.items():
                    if made.listed.get(key) == marks:
                        entries[key] = made.entries[key]
                        continue
                    entry = self._entry(key, marks)
                    entries[key] = _json(entry)
                    if entry["fault"] is not None:
                        faults.add(key)
                # A fault may pass without a new mark: such a session is read again each time.
                sound = {key: marks for key, marks in listed.items() if key not in faults}
                answer = _answer(listed, entries.values(), scorecard)
                self._made = made = _Made(answer, sound, scorecard, entries)
            return made.answer

    def _list(self) -> dict[SessionKey, Marks]:
        found: dict[SessionKey, Marks] = {}
        for product_type in SESSION_PRODUCTS:
            # A session is there with its snapshot, which comes first.
            for dataset in (*datasets_of(product_type).values(), records_of(product_type)):
                for partition, mark in self._lake.marks(dataset):
                    assert partition.symbol is not None
                    assert partition.dt is not None
                    key = SessionKey(product_type, partition.symbol, partition.dt)
                    if key in found:
                        found[key][dataset] = mark
                    elif dataset == datasets_of(product_type)[Surface.SNAP] and self._is_known(key):
                        found[key] = {dataset: mark}
        return {key: found[key] for key in sorted(found, key=_order)}

    def _is_known(self, key: SessionKey) -> bool:
        return self._symbols.row(key.product_type, key.symbol) is not None

    def _entry(self, key: SessionKey, marks: Marks) -> dict[str, Any]:
        row = self._symbols.row(key.product_type, key.symbol)
        assert row is not None
        fault = None
        manifests: dict[Surface, Manifest] = {}
        scorecard: dict[str, dict[str, Any]] = {}
        try:
            manifests = manifests_of(self._lake, key.product_type, key.symbol, key.dt)
            records = self._lake.manifest(records_of(key.product_type), key.symbol, key.dt)
            scorecard = scorecard_of(manifests, records)
        except LakeError as error:
            note(logger, logging.WARNING, "a listed session cannot be read", error=str(error))
            fault = "a manifest of this session is damaged"
        return {
            "symbol": key.symbol,
            "dt": key.dt.isoformat(),
            "product_type": key.product_type,
            "root": row.root,
            "products": _products(key, marks),
            "tables": {
                surface.value: dataset in marks
                for surface, dataset in datasets_of(key.product_type).items()
            },
            "calibrated": is_calibrated(manifests),
            "scorecard": scorecard,
            "fault": fault,
        }


def _answer(
    listed: Mapping[SessionKey, Marks], entries: Iterable[str], scorecard: bytes | None
) -> Answer:
    """Return the whole answer; encoded in one piece it would hold up every stream for as long."""
    rest = {
        "symbols": sorted({key.symbol for key in listed}),
        "dates": sorted({key.dt.isoformat() for key in listed}),
        "products": sorted({name for pair in listed.items() for name in _products(*pair)}),
        "scorecard": _parsed(scorecard),
    }
    content = f'{{"sessions":[{",".join(entries)}],{_json(rest)[1:]}'.encode()
    return Answer(content, hashlib.sha256(content).hexdigest()[:16])


def _parsed(scorecard: bytes | None) -> Any:
    """Return the evaluation of the calibration, None when there is none to read."""
    try:
        return None if scorecard is None else json.loads(scorecard)
    except ValueError:
        note(logger, logging.WARNING, "a document is no JSON", path=SCORECARD)
        return None


def _products(key: SessionKey, marks: Marks) -> list[str]:
    """Return the product types that a session shows."""
    has_options = datasets_of(key.product_type)[Surface.OPTIONS] in marks
    return [key.product_type, *([OPTION_PRODUCTS[key.product_type]] if has_options else [])]


def _order(key: SessionKey) -> tuple[str, str, date]:
    return key.product_type, key.symbol, key.dt


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
