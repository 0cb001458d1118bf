"""The code version of every stage, raised when a change of code gives other bytes.

It stands apart from the stages so that the asset graph loads without their engines.
"""

from __future__ import annotations

from typing import Final

BRONZE: Final = "3"
SELECTION: Final = "1"
SILVER: Final = "6"
GOLD: Final = "4"
CALIBRATION: Final = "2"
FORECAST: Final = "2"
REFERENCE: Final = "1"
QUOTE_BRONZE: Final = "3"
OPTION_SILVER: Final = "5"
QUOTE_SILVER: Final = "4"
OPTION_GOLD: Final = "3"
