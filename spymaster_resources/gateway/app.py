"""The gateway as an ASGI application: routes, authentication, faults and errors."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spymaster_resources.gateway import batch, bundle, details, symbols, timeseries
from spymaster_resources.gateway.account import Account
from spymaster_resources.gateway.body import BodyAnswer
from spymaster_resources.gateway.faults import DOWNLOAD, FaultKind, Faults
from spymaster_resources.gateway.refusal import RefusalError

Handler = Callable[[Account, Mapping[str, str]], Any]
Answer = JSONResponse | BodyAnswer

BASE: Final = "/v0"
_FILE: Final = f"{BASE}/batch/download/{{user_id}}/{{job_id}}/{{name}}"
_POST: Final[Mapping[str, Handler]] = {
    "batch.submit_job": batch.submit_job,
    "timeseries.get_range": timeseries.get_range,
    "metadata.get_record_count": details.get_record_count,
    "metadata.get_billable_size": details.get_billable_size,
    "metadata.get_cost": details.get_cost,
    "symbology.resolve": symbols.resolve,
}
_GET: Final[Mapping[str, Handler]] = {
    "batch.list_jobs": batch.list_jobs,
    "batch.get_job_details": batch.get_job_details,
    "batch.list_files": batch.list_files,
    "batch.download": bundle.download,
    "metadata.list_publishers": details.list_publishers,
    "metadata.list_datasets": details.list_datasets,
    "metadata.list_schemas": details.list_schemas,
    "metadata.list_fields": details.list_fields,
    "metadata.list_unit_prices": details.list_unit_prices,
    "metadata.get_dataset_condition": details.get_dataset_condition,
    "metadata.get_dataset_range": details.get_dataset_range,
}


def create_app(account: Account, key: str) -> Starlette:
    """Return the application; only requests with `key` are served."""
    routes = [Route(f"{BASE}/{name}", _endpoint(account, call), methods=["POST"])
              for name, call in _POST.items()]  # fmt: skip
    routes += [Route(f"{BASE}/{name}", _endpoint(account, call), methods=["GET"])
               for name, call in _GET.items()]  # fmt: skip
    return Starlette(
        routes=[*routes, Route(_FILE, _download(account), methods=["GET"])],
        middleware=[Middleware(_Door, faults=account.faults, key=key)],
        exception_handlers={RefusalError: _refuse, 404: _unknown, 405: _unknown},
    )


def _endpoint(account: Account, call: Handler) -> Callable[[Request], Awaitable[Answer]]:
    async def endpoint(request: Request) -> Answer:
        if request.method == "POST":
            body = (await request.body()).decode("utf-8", "replace")
            fields = dict(parse_qsl(body, keep_blank_values=True))
        else:
            fields = dict(request.query_params)
        # The files may have to be made first: in a thread, so that others are served meanwhile.
        answer = await run_in_threadpool(call, account, fields)
        return answer if isinstance(answer, BodyAnswer) else JSONResponse(answer)

    return endpoint


def _download(account: Account) -> Callable[[Request], Awaitable[BodyAnswer]]:
    async def endpoint(request: Request) -> BodyAnswer:
        place = request.path_params
        return batch.download(
            account, place["user_id"], place["job_id"], place["name"], request.headers.get("range")
        )

    return endpoint


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    return error.response() if isinstance(error, RefusalError) else RefusalError(500).response()


async def _unknown(request: Request, _error: Exception) -> JSONResponse:
    return RefusalError(
        404, message=f"{request.method} {request.url.path} is not known."
    ).response()


class _Door:
    """Lets in who has the key, and lets faults strike before anything else is done."""

    def __init__(self, app: ASGIApp, *, faults: Faults, key: str) -> None:
        self.app = app
        self.faults = faults
        self.key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        operation = operation_of(scope["path"])
        if not self._is_known(HTTPConnection(scope)):
            await RefusalError(401).response()(scope, receive, send)
            return
        if delay := self.faults.take(operation, (FaultKind.DELAY,)):
            await asyncio.sleep(delay.value or 0.0)
        if fault := self.faults.take(operation, (FaultKind.STATUS,)):
            wait = {} if fault.value is None else {"retry-after": f"{fault.value:g}"}
            await RefusalError(fault.status, headers=wait).response()(scope, receive, send)
        elif self.faults.take(operation, (FaultKind.LOST,)):
            await self.app(scope, receive, _heads_only(send))
        else:
            await self.app(scope, receive, send)

    def _is_known(self, request: HTTPConnection) -> bool:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(credentials, validate=True).partition(b":")
        except binascii.Error:
            return False
        is_key = hmac.compare_digest(user, self.key)
        return scheme.lower() == "basic" and is_key and not password


def operation_of(path: str) -> str:
    """Return the name by which faults know the request of a path."""
    name = path.removeprefix(f"{BASE}/")
    return DOWNLOAD if name.startswith("batch/download/") else name


def _heads_only(send: Send) -> Send:
    """Return a `send` that lets no byte of a body through: the client never gets the answer."""

    async def heads_only(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)

    return heads_only
