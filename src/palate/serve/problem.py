"""What goes wrong in a request, as RFC 9457 `application/problem+json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["MEDIA_TYPE", "OWN_ID", "TITLES", "ProblemDocument", "ProblemError", "problem_response"]

MEDIA_TYPE: Final = "application/problem+json"
OWN_ID: Final = "palate.request_id"  # in the scope: the id that a request was given, or sent

# RFC 9110's names; those of `http.HTTPStatus` change with the version of Python.
TITLES: Final[dict[int, str]] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class ProblemDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of every error answer (RFC 9457, section 3.1).

    Attributes:
        type: `urn:palate:problem:NAME`, the same for the same kind of fault.
        title: The kind of fault in a few words.
        status: The HTTP status.
        detail: What was wrong here, and what to do.
        instance: The path that was asked.
        request_id: Under which the service's log has it; the `X-Request-ID` of the answer.
    """

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    request_id: str = ""


class ProblemError(Exception):
    """Ends a request with a problem document.

    Args:
        status: The HTTP status.
        name: The last part of `type`: `unknown-release`.
        detail: What was wrong, for the person who wrote the client.
        headers: Further response headers.
    """

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.headers = dict(headers or {})


def problem_response(request: Request, problem: ProblemError) -> Response:
    """`problem` as a response to `request`."""
    document = ProblemDocument(
        type=f"urn:palate:problem:{problem.name}",
        title=TITLES[problem.status],
        status=problem.status,
        detail=problem.detail,
        instance=request.url.path,
        request_id=request.scope.get(OWN_ID, ""),
    )
    return Response(
        msgspec.json.encode(document), problem.status, problem.headers, media_type=MEDIA_TYPE
    )
