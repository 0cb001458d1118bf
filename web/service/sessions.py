"""Which sessions the lake has, what a symbol means on a date, and the sessions that are open."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from contracts.errors import LakeError
from spymaster_resources.instruments import Instrument, instruments
from spymaster_resources.lake import Lake, Manifest
from web.service.cache import BoundedCache
from web.service.logs import note
from web.service.manifests import is_calibrated, scorecard_of, version_of
from web.service.protocol import RefusalError
from web.service.session import Session, SessionKey
from web.service.surfaces import OPTION_PRODUCTS, SESSION_PRODUCTS, Surface, datasets_of, records_of

logger = logging.getLogger(__name__)

SELECTION: Final = "selection.mbo_contract_day_selection"
SCORECARD: Final = "calibration/physics_beta_gamma_eval.json"
LISTING_AGE_S: Final = 1.0
MAX_OPEN_SESSIONS: Final = 32


class SessionCatalogue:
    """The sessions of one lake. Every method reads files: call it in a worker thread."""

    def __init__(
        self,
        lake: Lake,
        cache: BoundedCache,
        instruments_file: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lake = lake
        self._cache = cache
        self._instruments = instruments(instruments_file)
        self._clock = clock
        self._lock = threading.Lock()
        self._listing: tuple[float, dict[SessionKey, frozenset[Surface]]] | None = None
        self._open: OrderedDict[SessionKey, Session] = OrderedDict()

    @property
    def count_of_open_sessions(self) -> int:
        """How many sessions are open for viewers to share."""
        return len(self._open)

    def sessions(self, max_age_s: float = LISTING_AGE_S) -> dict[SessionKey, frozenset[Surface]]:
        """Return every session and the surfaces it has, by product type, symbol and date."""
        with self._lock:
            now = self._clock()
            if self._listing is None or now - self._listing[0] > max_age_s:
                self._listing = (now, self._list())
            return self._listing[1]

    def describe(self) -> dict[str, Any]:
        """Return the answer of `/v1/sessions`."""
        sessions = self.sessions()
        return {
            "sessions": [self._entry(key, surfaces) for key, surfaces in sessions.items()],
            "symbols": sorted({key.symbol for key in sessions}),
            "dates": sorted({key.dt.isoformat() for key in sessions}),
            "products": sorted({name for pair in sessions.items() for name in _products(*pair)}),
            "scorecard": self._scorecard(),
        }

    def resolve(self, symbol: str, dt: date) -> SessionKey:
        """Return the session that `symbol`, a contract, ticker or bare root, means on `dt`.

        Raises RefusalError when there is none.
        """
        for max_age_s in (LISTING_AGE_S, 0.0):  # it may have been published a moment ago
            known = {(key.symbol, key.dt): key for key in self.sessions(max_age_s)}
            if (symbol, dt) in known:
                return known[symbol, dt]
            if any(row.root == symbol for row in self._instruments.values()):
                selected = self._selected(symbol, dt)
                if selected is not None and (selected, dt) in known:
                    return known[selected, dt]
        raise RefusalError(
            "unknown_session", f"no session of {symbol} on {dt} is published", http_status=404
        )

    def open(self, symbol: str, dt: date) -> Session:
        """Return the session as it is published now, shared with its other viewers.

        Raises RefusalError when there is none, LakeError when it cannot be read.
        """
        key = self.resolve(symbol, dt)
        published = version_of(self._manifests(key))
        with self._lock:
            session = self._open.get(key)
            if session is not None and session.version == published:
                self._open.move_to_end(key)
                return session
        instrument = self._instrument(key)
        options = self._instruments.get((instrument.root, OPTION_PRODUCTS[key.product_type]))
        session = Session.open(self._lake, key, instrument, options, self._cache)
        with self._lock:
            self._open[key] = session
            self._open.move_to_end(key)
            while len(self._open) > MAX_OPEN_SESSIONS:
                self._open.popitem(last=False)
        return session

    def is_replaced(self, session: Session) -> bool:
        """Return whether other tables are published now than those `session` reads."""
        return version_of(self._manifests(session.key)) != session.version

    def _entry(self, key: SessionKey, surfaces: frozenset[Surface]) -> dict[str, Any]:
        fault = None
        manifests: dict[Surface, Manifest] = {}
        scorecard: dict[str, dict[str, Any]] = {}
        try:
            manifests = self._manifests(key)
            records = self._lake.manifest(records_of(key.product_type), key.symbol, key.dt)
            scorecard = scorecard_of(manifests, records)
        except LakeError as error:
            note(logger, logging.WARNING, "a listed session cannot be read", error=str(error))
            fault = "a manifest of this session is damaged"
        return {
            "symbol": key.symbol,
            "dt": key.dt.isoformat(),
            "product_type": key.product_type,
            "root": self._instrument(key).root,
            "products": _products(key, surfaces),
            "tables": {
                surface.value: surface in surfaces for surface in datasets_of(key.product_type)
            },
            "calibrated": is_calibrated(manifests),
            "scorecard": scorecard,
            "fault": fault,
        }

    def _scorecard(self) -> Any:
        """Return the evaluation of the calibration, None when there is none to read."""
        content = self._lake.document(SCORECARD)
        try:
            return None if content is None else json.loads(content)
        except ValueError:
            note(logger, logging.WARNING, "a document is no JSON", path=SCORECARD)
            return None

    def _manifests(self, key: SessionKey) -> dict[Surface, Manifest]:
        found = {
            surface: self._lake.manifest(dataset, key.symbol, key.dt)
            for surface, dataset in datasets_of(key.product_type).items()
        }
        return {surface: manifest for surface, manifest in found.items() if manifest is not None}

    def _list(self) -> dict[SessionKey, frozenset[Surface]]:
        found: dict[SessionKey, set[Surface]] = {}
        for product_type in SESSION_PRODUCTS:
            for surface, dataset in datasets_of(product_type).items():
                for partition in self._lake.partitions(dataset):
                    assert partition.symbol is not None
                    assert partition.dt is not None
                    key = SessionKey(product_type, partition.symbol, partition.dt)
                    if self._has_instrument(key):
                        found.setdefault(key, set()).add(surface)
        order = sorted(found, key=lambda key: (key.product_type, key.symbol, key.dt))
        return {key: frozenset(found[key]) for key in order if Surface.SNAP in found[key]}

    def _selected(self, root: str, dt: date) -> str | None:
        if self._lake.manifest(SELECTION, None, None) is None:
            return None
        rows = self._lake.read(SELECTION, None, None, ["session_date", "selected_symbol"])
        choices = {
            row["session_date"]: row["selected_symbol"]
            for row in rows.to_pylist()
            if self._roots_of(row["selected_symbol"]) == {root}
        }
        return choices.get(dt)

    def _roots_of(self, symbol: str) -> set[str]:
        return {row.root for row in self._instruments.values() if _names(row, symbol)}

    def _has_instrument(self, key: SessionKey) -> bool:
        return any(
            row.product_type == key.product_type and _names(row, key.symbol)
            for row in self._instruments.values()
        )

    def _instrument(self, key: SessionKey) -> Instrument:
        return next(
            row
            for row in self._instruments.values()
            if row.product_type == key.product_type and _names(row, key.symbol)
        )


def _products(key: SessionKey, surfaces: frozenset[Surface]) -> list[str]:
    """Return the product types that a session shows."""
    options = [OPTION_PRODUCTS[key.product_type]] if Surface.OPTIONS in surfaces else []
    return [key.product_type, *options]


def _names(row: Instrument, symbol: str) -> bool:
    """Return whether `symbol` is the instrument of `row` or one of its contracts."""
    return row.root == symbol or row.is_outright(symbol)
