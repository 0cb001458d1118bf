"""Baselines: the predictors that the forecast has to beat.

    zero change     the mid stays
    last velocity   the mid goes on with v(t) = S(t) − S(t−1):  δ_h = h · v
    regression      ordinary least squares of the move on order-flow imbalance, queue imbalance,
                    v and spot − mid, one fit per horizon

The regression has no intercept: all four regressors change sign with the book, and the drift of the
training days says nothing of other days. On a real hour of ES, fitted on its first half, an
intercept took the skill on the second from +1.8 % to −7.0 % at 10 s: the mark to beat is the
stronger one.

Order-flow imbalance follows Cont, Kukanov and Stoikov, "The price impact of order book events",
Journal of Financial Econometrics 12 (2014), section 2.1, taken between consecutive one-second
snapshots of the best prices and quantities:

    e = q_b·1[P_b ≥ P_b'] − q_b'·1[P_b ≤ P_b'] − q_a·1[P_a ≤ P_a'] + q_a'·1[P_a ≥ P_a']

where ' marks the snapshot before. Queue imbalance is (q_b − q_a) / (q_b + q_a).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from book_engines.samples import REGRESSORS, Moments

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def order_flow_imbalance(
    bid_price: IntArray,
    bid_qty: IntArray,
    ask_price: IntArray,
    ask_qty: IntArray,
    two_sided: npt.NDArray[np.bool_],
) -> FloatArray:
    """Return e of every second in lots, (W,); NaN unless this second and the last are two-sided.

    Prices are int64 at 1e-9 dollars, quantities lots; rows with ``two_sided`` false are not read.
    """
    bid = (bid_price[1:] >= bid_price[:-1]) * bid_qty[1:]
    bid = bid - (bid_price[1:] <= bid_price[:-1]) * bid_qty[:-1]
    ask = (ask_price[1:] <= ask_price[:-1]) * ask_qty[1:]
    ask = ask - (ask_price[1:] >= ask_price[:-1]) * ask_qty[:-1]
    out = np.full(two_sided.shape, np.nan)
    out[1:] = np.where(two_sided[1:] & two_sided[:-1], (bid - ask).astype(np.float64), np.nan)
    return out


def queue_imbalance(
    bid_qty: IntArray, ask_qty: IntArray, two_sided: npt.NDArray[np.bool_]
) -> FloatArray:
    """Return (q_b − q_a) / (q_b + q_a) at every window end, (W,); NaN without both sides."""
    bid = np.where(two_sided, bid_qty, 1).astype(np.float64)
    ask = np.where(two_sided, ask_qty, 1).astype(np.float64)
    return np.where(two_sided, (bid - ask) / (bid + ask), np.nan)


def fit_regression(moments: Moments) -> FloatArray:
    """Return the coefficients of the regression, (H, len(REGRESSORS)), in their order.

    The least-norm solution where regressors are collinear; zeros for a horizon without samples.
    """
    total = moments.total()
    columns = list(REGRESSORS)
    coefficients = np.zeros((total.shape[0], len(columns)))
    for h, matrix in enumerate(total):
        # Unit diagonal: lots, shares and ticks differ by orders of magnitude.
        scale = np.sqrt(np.diag(matrix)[columns])
        scale[scale == 0.0] = 1.0
        gram = matrix[np.ix_(columns, columns)] / np.outer(scale, scale)
        solution, *_ = np.linalg.lstsq(gram, matrix[columns, -1] / scale, rcond=1e-12)
        coefficients[h] = solution / scale
    return coefficients
