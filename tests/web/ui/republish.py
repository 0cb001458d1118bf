"""Publish the pattern session with cells of another brightness, anew where it is published.

python -m tests.web.ui.republish --lake FOLDER --brightness 0.5
"""

from __future__ import annotations

import argparse

from spymaster_resources.lake import Lake
from tests.web.ui.market import pattern_session, write_session


def main() -> None:
    """Publish it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--brightness", type=float, required=True)
    options = parser.parse_args()
    write_session(Lake(options.lake), pattern_session(options.brightness))


if __name__ == "__main__":
    main()
