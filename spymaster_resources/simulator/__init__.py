"""The simulated exchange: a seeded market with a real matching engine, as true vendor files.

The way of a session: `intraday` says how busy each second is, `participants` decide what to do,
`matching` executes it (state in `exchange`, queues in `queues`), `ledger` books what happened to
every price cell as it happens, `market` drives all of it through time, `glbx` says it in the
venue's records, `truth` writes the ledger's windows, and `futures` puts a day's files on disk.
Another product joins as another venue module beside `glbx` over the same event log.

Nothing here uses the project's book engines: the truth must not share their errors.
"""
