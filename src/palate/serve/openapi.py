"""The OpenAPI 3.1 document, built from the table of routes and the structs that they use."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from inspect import cleandoc
from typing import Any, Final

import msgspec

from palate import __version__
from palate.serve.context import Endpoint, Operation
from palate.serve.problem import MEDIA_TYPE, TITLES, ProblemDocument

__all__ = ["openapi"]

_REF: Final = "#/components/schemas/{name}"
_EVERYWHERE: Final = (401, 403, 421, 429, 500, 503)  # every route that needs a key may answer so
_BODY: Final = (408,)  # and every one with a body
_KEY: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of `palate keys create`. Each operation names the scopes that open it.",
}
_ID: Final = {"type": "string", "minLength": 1, "maxLength": 500}


def openapi(endpoints: Sequence[Endpoint]) -> bytes:
    """The document as JSON, two spaces deep, keys in a fixed order."""
    operations = [operation for endpoint in endpoints for operation in endpoint.operations]
    types = [t for o in operations for t in (o.answer, o.body) if t is not None]
    structs = [t for t in types if not isinstance(t, str)]
    schemas, components = msgspec.json.schema_components(
        [*structs, ProblemDocument], ref_template=_REF
    )
    schema_of = {id(t): schema for t, schema in zip(structs, schemas, strict=False)}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Palate",
            "version": __version__,
            "summary": "Recommendations that follow what people do.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            endpoint.path: {
                "parameters": _path_parameters(endpoint.path),
                **{
                    operation.method.lower(): _operation(endpoint, operation, schema_of)
                    for operation in endpoint.operations
                },
            }
            for endpoint in endpoints
        },
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"key": _KEY},
        },
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _ID}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _operation(
    endpoint: Endpoint, operation: Operation, schema_of: dict[int, dict[str, Any]]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.handle.__name__,
        "summary": operation.summary,
        "description": cleandoc(operation.handle.__doc__ or ""),
    }
    # Each scope opens it; on this machine nothing is needed while there are no keys.
    described["security"] = [{"key": [scope]} for scope in operation.scopes] + (
        [{}] if operation.scopes else []
    )
    if operation.query:
        described["parameters"] = [
            {"name": q.name, "in": "query", "description": q.description, "schema": q.schema}
            for q in operation.query
        ]
    if operation.body is not None:
        content = {"application/json": {"schema": schema_of[id(operation.body)]}}
        described["requestBody"] = {"required": True, "content": content}
    described["responses"] = {"200": _success(operation, schema_of)}
    everywhere = () if endpoint.keyless else _EVERYWHERE
    bodied = () if operation.body is None else _BODY
    for status in sorted({*operation.problems, *everywhere, *bodied}):
        described["responses"][str(status)] = _problem(TITLES[status])
    return described


def _success(operation: Operation, schema_of: dict[int, dict[str, Any]]) -> dict[str, Any]:
    if isinstance(operation.answer, str):
        text = {"type": "object"} if operation.answer.endswith("json") else {"type": "string"}
        return {"description": "OK", "content": {operation.answer: {"schema": text}}}
    return {
        "description": "OK",
        "content": {"application/json": {"schema": schema_of[id(operation.answer)]}},
    }


def _problem(description: str) -> dict[str, Any]:
    reference = {"$ref": _REF.format(name=ProblemDocument.__name__)}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": reference}}}


if __name__ == "__main__":
    from palate.serve.routes.table import ENDPOINTS

    sys.stdout.buffer.write(openapi(ENDPOINTS))
