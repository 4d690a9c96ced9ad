"""schemathesis over the OpenAPI document against the real service: no fault, true answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from palate.config import Settings
from palate.serve.background import BackgroundService
from palate.serve.openapi import openapi
from palate.serve.routes.table import ENDPOINTS

schema = schemathesis.openapi.from_dict(json.loads(openapi(ENDPOINTS)))


@pytest.fixture(scope="module")
def url(built_home_copy: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log: Path = tmp_path_factory.mktemp("fuzz") / "service.log"
    with BackgroundService(built_home_copy, log=log) as service:
        yield service.url
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
@schema.parametrize()
@hypothesis_settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_ends_in_a_fault(case: Any, url: str) -> None:
    case.call_and_validate(
        base_url=url,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_headers_conformance,
            response_schema_conformance,
        ],
    )
