"""The OpenAPI document: current, complete, and true of the real application."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from palate.serve.openapi import openapi
from palate.serve.routes.table import ENDPOINTS
from palate.testing.service import InProcessService

DOCUMENT: Final[dict[str, Any]] = json.loads(openapi(ENDPOINTS))
FILE: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def test_the_file_in_the_docs_is_current() -> None:
    """`python -m palate.serve.openapi > docs/openapi.json` writes it."""
    assert FILE.read_bytes() == openapi(ENDPOINTS)


def test_the_service_answers_with_it(reading: InProcessService) -> None:
    answered = reading.request("GET", "/openapi.json")
    assert answered.headers["content-type"] == "application/json"
    assert answered.json == DOCUMENT


def test_every_route_is_described() -> None:
    described = {
        (path, method.upper())
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == {(e.path, o.method) for e in ENDPOINTS for o in e.operations}
    for path in DOCUMENT["paths"].values():
        for method, operation in path.items():
            if method == "parameters":
                continue
            assert operation["summary"]
            assert operation["description"]
            assert operation["operationId"]


def test_operation_ids_are_distinct() -> None:
    ids = [
        operation["operationId"]
        for path in DOCUMENT["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere() -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [ref for value in node.values() for ref in references(value)]
        if isinstance(node, list):
            return [ref for value in node for ref in references(value)]
        return []

    for reference in set(references(DOCUMENT)):
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.path)
def test_errors_are_problem_documents(endpoint: Any) -> None:
    for operation in endpoint.operations:
        responses = DOCUMENT["paths"][endpoint.path][operation.method.lower()]["responses"]
        for status, response in responses.items():
            if status != "200":
                assert list(response["content"]) == ["application/problem+json"]
        assert ("401" in responses) is not endpoint.keyless
