"""Books of a chain's options summed to strikes once more, with dicts and lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.naive.book import (
    SECOND,
    Account,
    NaiveReplay,
    Record,
    Row,
    naive_closes,
    nearest,
)


class Terms(NamedTuple):
    """What an option is."""

    strike: int
    right: str


def naive_strikes(
    records: Iterable[Record],
    chain: Mapping[int, Terms],
    spots: Sequence[int | None],
    first_end: int,
    step: int,
    rel_tick: int,
    half_width: int,
) -> tuple[list[Row], list[Row], list[dict[int, int]], int, NaiveReplay]:
    """Return quotes, cells, sizes added a window, how many cells lay outside, and the replay."""
    replay = NaiveReplay(per_book=False)
    quotes: list[Row] = []
    cells: list[Row] = []
    sizes = []
    outside = 0
    last_end = first_end + (len(spots) - 1) * SECOND
    for window in naive_closes(replay, records, first_end, last_end):
        end = (window + 1) * SECOND
        spot = spots[(end - first_end) // SECOND]
        quotes += quote_rows(replay, chain, end, spot)
        grid = []
        if spot is not None:
            centre = nearest(spot, step)
            grid = [centre + k * step for k in range(-half_width, half_width + 1)]
            cells += strike_rows(replay, chain, end, spot, grid, rel_tick)
        sizes.append(dict(replay.added_sizes))
        moved = {
            (*chain[table], side)
            for (table, side, _), a in replay.accounts.items()
            if a.add or a.pull or a.fill
        }
        outside += sum(strike not in grid for strike, _, _ in moved)
    return quotes, cells, sizes, outside, replay


def quote_rows(
    replay: NaiveReplay, chain: Mapping[int, Terms], end: int, spot: int | None
) -> Iterator[Row]:
    """Yield a row for every option that has an order."""
    for number, terms in sorted(chain.items()):
        bids, asks = replay.levels(number, "B"), replay.levels(number, "A")
        bid, ask = next(iter(bids), None), next(iter(asks), None)
        if bid is None and ask is None:
            continue
        both = bid is not None and ask is not None
        yield {
            "window_start_ts_ns": end - SECOND,
            "window_end_ts_ns": end,
            "instrument_id": number,
            "right": terms.right,
            "strike_price_int": terms.strike,
            "bid_price_int": bid,
            "bid_qty": None if bid is None else bids[bid][0],
            "ask_price_int": ask,
            "ask_qty": None if ask is None else asks[ask][0],
            "mid_price_int": (bid + ask + 1) // 2 if bid is not None and ask is not None else None,
            "mid_price": (bid + ask) / 2e9 if bid is not None and ask is not None else None,
            "spot_ref_price_int": spot,
            "book_valid": both and replay.is_whole(number, end),
        }


def strike_rows(
    replay: NaiveReplay,
    chain: Mapping[int, Terms],
    end: int,
    spot: int,
    grid: Sequence[int],
    rel_tick: int,
) -> Iterator[Row]:
    """Yield a row for every strike of the grid, call or put, and side."""
    for strike in grid:
        for right in "CP":
            options = [n for n, terms in chain.items() if terms == (strike, right)]
            sound = all(
                n not in replay.tables
                or (replay.is_whole(n, end) and not replay.tables[n].disturbed)
                for n in options
            )
            for side in "AB":
                a, depth, rest = Account(0), 0, 0
                for number in options:
                    for price, where in replay.seen(number):
                        if where == side:
                            cell = (number, side, price)
                            here = replay.depth(cell)
                            a = a.plus(replay.accounts.get(cell, Account(here)))
                            depth += here
                            rest += replay.rested(cell, end)
                yield {
                    "window_start_ts_ns": end - SECOND,
                    "window_end_ts_ns": end,
                    "strike_price_int": strike,
                    "strike_points": strike / 1e9,
                    "right": right,
                    "side": side,
                    "spot_ref_price_int": spot,
                    "rel_ticks": (strike - spot) // rel_tick,
                    "depth_qty_start": a.start,
                    "depth_qty_end": depth,
                    "add_qty": a.add,
                    "pull_qty": a.pull,
                    "pull_qty_rest": a.pull_rest,
                    "fill_qty": a.fill,
                    "depth_qty_rest": rest,
                    "window_valid": sound and spot > 0,
                    "added_max": a.added_max,
                }
