"""The simulated exchange: a seeded market with a real matching engine, as true vendor files.

The way of a session: `intraday` says how busy each second is (`volume` makes it a size's), the
`participants` decide what to do, `matching` executes it (state in `exchange`, queues in `queues`),
`ledger` books what happened to every price cell as it happens, `market` drives all of it through
time, a venue module says it in the venue's records (`glbx`, `xnas`), `truth` writes the ledger's
windows, and `futures` and `equities` put a day's files on disk.

Everything follows one path of prices (`path`): the equity is quoted around the future's, and chains
of options (`chains`) around Black's premium (`black`). Options on the future are makers' orders in
the same matching engine (`option_makers`, `option_market`, `option_ledger`, `future_options`);
options on the equity are consolidated quotes (`quotes`, `quote_market`, `opra`, `equity_options`);
`option_truth` writes what both were. `reference` writes definitions and statistics, `session` all
four products of a date, and `faults` spoils a file in ways that it lists.

Nothing here uses the project's book engines: the truth must not share their errors.
"""
