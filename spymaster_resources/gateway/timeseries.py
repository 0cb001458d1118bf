"""`timeseries.get_range`: records streamed as DBN."""

from __future__ import annotations

import json
from collections.abc import Mapping

from spymaster_resources.gateway.account import Account, Purchase, cost_usd
from spymaster_resources.gateway.body import BodyAnswer
from spymaster_resources.gateway.faults import BODY_FAULTS
from spymaster_resources.gateway.query import parse_query


def get_range(account: Account, fields: Mapping[str, str]) -> BodyAnswer:
    """Return the requested records; what was not found is a warning of the vendor's form."""
    query = parse_query(fields)
    answer = account.answer(query)
    size = answer.size()[1]
    account.buy(Purchase(query, None, cost_usd(query.schema, size)))
    warnings = []
    if not size:
        warnings.append("Warning: No data found for the request you submitted.")
    elif answer.resolution.not_found:
        missing = ", ".join(answer.resolution.not_found)
        warnings.append(f"Warning: The request could not be completed for: {missing}")
    return BodyAnswer(
        answer.encoded(),
        length=None,
        headers={"x-warning": json.dumps(warnings)} if warnings else {},
        fault=account.faults.take("timeseries.get_range", BODY_FAULTS),
    )
