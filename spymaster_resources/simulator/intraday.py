"""How busy the market is through the day, in New York wall-clock time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from spymaster_resources.trading_calendar import NEW_YORK

SECONDS_OF_DAY: Final = 86_400

# (hour of the New York day, activity relative to the calm of late morning); linear in between.
# The shape of a US equity-index future: an asleep night, a rise with the economic releases at
# 08:30, the opening rush, a U towards the close, an hour's halt from 17:00.
_CURVE: Final = (
    (0.0, 0.05), (2.0, 0.06), (3.0, 0.16), (5.0, 0.12), (7.0, 0.15), (8.25, 0.22),
    (8.499, 0.28), (8.5, 1.00), (8.55, 0.55), (9.0, 0.40), (9.499, 0.62), (9.5, 3.60),
    (9.6, 2.60), (10.0, 1.90), (10.5, 1.50), (11.0, 1.15), (12.0, 0.85), (13.0, 0.75),
    (14.0, 0.95), (15.0, 1.20), (15.8, 1.90), (15.999, 2.60), (16.0, 0.80), (16.25, 0.30),
    (16.999, 0.15), (17.0, 0.0), (17.999, 0.0), (18.0, 0.25), (18.5, 0.10), (24.0, 0.05),
)  # fmt: skip


def activity(dt: date) -> npt.NDArray[np.float64]:
    """Return the relative activity of each second of the UTC day `dt`: float64 (86400,), ≥ 0."""
    start = datetime(dt.year, dt.month, dt.day, tzinfo=UTC)
    hours = np.empty(SECONDS_OF_DAY)
    # The offset of New York changes on whole quarter hours only.
    step = 900
    for first in range(0, SECONDS_OF_DAY, step):
        local = (start + timedelta(seconds=first)).astimezone(NEW_YORK)
        hours[first : first + step] = local.hour + local.minute / 60 + (np.arange(step) / 3600)
    times, levels = np.array(_CURVE).T
    curve: npt.NDArray[np.float64] = np.interp(hours, times, levels)
    return curve
