"""Refusals in the vendor's form: a status and a JSON body with `detail`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import JSONResponse

from contracts.errors import VendorError

_DOCS: Final = "https://databento.com/docs/api-reference-historical"

CASES: Final = {
    400: ("bad_request", "The request could not be understood."),
    401: ("auth_authentication_failed", "Authentication failed."),
    402: ("account_insufficient_funds", "The account is not able to pay for this request."),
    403: ("license_not_found_unauthorized", "The account has no license for this data."),
    404: ("not_found", "The resource was not found."),
    409: ("conflict", "The request conflicts with an earlier one."),
    422: ("unprocessable_request", "The request could not be processed."),
    429: ("rate_limit_exceeded", "Too many requests. Try again later."),
    500: ("internal_server_error", "An internal error occurred."),
    502: ("bad_gateway", "The gateway got an invalid answer."),
    503: ("service_unavailable", "The service is not available. Try again later."),
    504: ("gateway_timeout", "The gateway got no answer in time."),
}
"""Case and message of a status that stands for itself."""


class RefusalError(VendorError):
    """A request that the gateway does not serve: status, the vendor's case name, and the reason."""

    def __init__(
        self,
        status: int,
        case: str | None = None,
        message: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        usual_case, usual_message = CASES.get(status, ("error", "The request failed."))
        self.status = status
        self.case = case or usual_case
        self.message = message or usual_message
        self.headers = dict(headers or {})
        super().__init__(f"{status} {self.case}: {self.message}")

    def response(self) -> JSONResponse:
        """Return the answer as the vendor gives it."""
        detail = {
            "case": self.case,
            "message": self.message,
            "status_code": self.status,
            "docs": _DOCS,
            "payload": None,
        }
        return JSONResponse({"detail": detail}, self.status, self.headers)


def unprocessable(case: str, message: str) -> RefusalError:
    """Return the refusal of a request whose fields cannot be served."""
    return RefusalError(422, case, message)
