#!/usr/bin/env bash
# Measure speed and memory against peers on the same input in the same run. The peer of the book
# lives in an environment of its own, because nothing of Spymaster needs it.
set -euo pipefail
cd "$(dirname "$0")/.."
events=${EVENTS:-10000000}
peer=.venv-bench/bin/python
if ! "$peer" -c 'import nautilus_trader' 2>/dev/null; then
  .venv/bin/python -m venv .venv-bench
  "$peer" -m pip install --quiet --disable-pip-version-check 'nautilus_trader==1.221.0'
fi
unset PYTHONDONTWRITEBYTECODE
echo "== decode: DBN to bronze Parquet, beside the vendor's client"
.venv/bin/python -m benchmarks.decode --records "$events"
echo "== book: both silver outputs, beside nautilus_trader's L3 book"
.venv/bin/python -m benchmarks.book --events "$events" --peer "$peer"
echo "== quotes: consolidated quotes of 600 options, both silver outputs"
.venv/bin/python -m benchmarks.quotes --records "$events"
echo "== day: every stage, then the whole day through Dagster in one process"
.venv/bin/python -m benchmarks.day --events "$events"
echo "== surfaces: gold of every product from a full session of silver"
.venv/bin/python -m benchmarks.surfaces
echo "== playback: exactness, lateness, memory and answers of the streaming service"
.venv/bin/python -m benchmarks.playback --seconds 60
echo "== sessions: the list of a lake of 1,000 days"
.venv/bin/python -m benchmarks.sessions --sessions 1000
echo "== calibration: fit and evaluation of 20 simulated sessions, the forecast of one"
.venv/bin/python -m benchmarks.calibration --days 20
