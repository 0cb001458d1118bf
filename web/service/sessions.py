"""What a symbol means on a date, and the sessions that are open."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import date
from typing import Final, NamedTuple

from spymaster_resources.lake import Lake
from web.service.cache import BoundedCache
from web.service.manifests import manifests_of, version_of
from web.service.protocol import RefusalError
from web.service.session import Session
from web.service.surfaces import SESSION_PRODUCTS, Surface, datasets_of
from web.service.symbols import SessionKey, Symbols

SELECTION: Final = "selection.mbo_contract_day_selection"
MAX_OPEN_SESSIONS: Final = 32


class _Opened(NamedTuple):
    """A session, and the marks of its tables when it was last known to be the published one."""

    marks: list[str | None]
    session: Session


class SessionCatalogue:
    """The sessions of one lake. Every method reads files: call it in a worker thread."""

    def __init__(self, lake: Lake, cache: BoundedCache, symbols: Symbols) -> None:
        self._lake = lake
        self._cache = cache
        self._symbols = symbols
        self._lock = threading.Lock()
        self._open: OrderedDict[SessionKey, _Opened] = OrderedDict()

    @property
    def count_of_open_sessions(self) -> int:
        """How many sessions are open for viewers to share."""
        return len(self._open)

    def resolve(self, symbol: str, dt: date) -> SessionKey:
        """Return the session that `symbol`, a contract, ticker or bare root, means on `dt`.

        Raises RefusalError when there is none, LakeError when the selection cannot be read.
        """
        key = self._published(symbol, dt)
        if key is None and self._symbols.is_root(symbol):
            selected = self._selected(symbol, dt)
            key = None if selected is None else self._published(selected, dt)
        if key is None:
            raise RefusalError(
                "unknown_session", f"no session of {symbol} on {dt} is published", http_status=404
            )
        return key

    def open(self, symbol: str, dt: date) -> Session:
        """Return the session as it is published now, shared with its other viewers.

        Raises RefusalError when there is none, LakeError when it cannot be read.
        """
        key = self.resolve(symbol, dt)
        # Before the manifests: what is published in between is then noticed the next time.
        marks = [
            self._lake.mark(dataset, key.symbol, key.dt)
            for dataset in datasets_of(key.product_type).values()
        ]
        with self._lock:
            known = self._open.get(key)
            if known is not None and known.marks == marks:
                self._open.move_to_end(key)
                return known.session
        if known is None or self.is_replaced(known.session):
            session = self._opened(key)
        else:
            session = known.session
        with self._lock:
            self._open[key] = _Opened(marks, session)
            self._open.move_to_end(key)
            while len(self._open) > MAX_OPEN_SESSIONS:
                self._open.popitem(last=False)
        return session

    def is_replaced(self, session: Session) -> bool:
        """Return whether other tables are published now than those `session` reads."""
        key = session.key
        found = manifests_of(self._lake, key.product_type, key.symbol, key.dt)
        return version_of(found) != session.version

    def _opened(self, key: SessionKey) -> Session:
        row = self._symbols.row(key.product_type, key.symbol)
        assert row is not None
        return Session.open(self._lake, key, row, self._symbols.options_on(row), self._cache)

    def _published(self, symbol: str, dt: date) -> SessionKey | None:
        """Return the session filed under `symbol`: it is there with its snapshot."""
        for product_type in SESSION_PRODUCTS:
            snapshot = datasets_of(product_type)[Surface.SNAP]
            if (
                self._symbols.row(product_type, symbol) is not None
                and self._lake.mark(snapshot, symbol, dt) is not None
            ):
                return SessionKey(product_type, symbol, dt)
        return None

    def _selected(self, root: str, dt: date) -> str | None:
        manifest = self._lake.manifest(SELECTION, None, None)
        if manifest is None:
            return None
        chosen = self._cache.get(
            ("selection", manifest.sha256), self._selection, lambda rows: 200 * len(rows)
        )
        return next((s for s in chosen.get(dt, ()) if self._symbols.is_of(s, root)), None)

    def _selection(self) -> dict[date, list[str]]:
        """Return the symbols that were selected for each date, one a root."""
        chosen: dict[date, list[str]] = {}
        rows = self._lake.read(SELECTION, None, None, ["session_date", "selected_symbol"])
        for row in rows.to_pylist():
            chosen.setdefault(row["session_date"], []).append(row["selected_symbol"])
        return chosen
