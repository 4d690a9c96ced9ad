"""The small world, new for each test."""

import pytest
from tests.pipeline.fakes import World


@pytest.fixture
def world() -> World:
    return World()
