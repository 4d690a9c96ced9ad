"""Reading surfaces: what the settings may say, and how a mistake is told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.pipeline.fakes import SCHEMA

from palate.errors import ConfigError
from palate.pipeline.check import read_surface
from palate.pipeline.surface import Surface

NEW = {"kind": "new"}


def read(**raw: Any) -> Surface:
    return read_surface("s", raw, SCHEMA, max_k=1000)


def test_a_surface_without_sources_is_the_models() -> None:
    surface = read()
    assert not surface.has_pipeline
    assert (surface.name, surface.k, surface.exclude_seen) == ("s", 10, True)


def test_stages_are_read() -> None:
    surface = read(
        sources=[{"kind": "neighbours", "depth": 7}, NEW],
        rerank=[{"kind": "mmr", "budget_ms": 2}, {"kind": "explore"}],
    )
    assert surface.has_pipeline
    assert [source.kind for source in surface.settings.sources] == ["neighbours", "new"]
    assert surface.settings.sources[0].depth == 7
    assert surface.settings.rerank[0].budget_ms == 2


@pytest.mark.parametrize(
    ("raw", "said", "hint"),
    [
        ({"sources": [{"kind": "populer"}]}, "no stage here is of kind 'populer'", "popular"),
        ({"sources": [{"kind": "mmr"}]}, "sources.0: no stage here", "kinds: neighbours"),
        ({"sources": [NEW, {}]}, "sources.1: the kind of stage is missing", "kind ="),
        ({"sources": ["new"]}, "sources.0: a stage is a table", "kind ="),
        ({"sources": "new"}, "sources: ", None),
        ({"sources": [{"kind": "new", "deep": 1}]}, "sources.0.new.deep: there is no such", None),
        ({"sources": [{"kind": "new", "depth": 0}]}, "sources.0.new.depth: ", None),
        ({"source": []}, "source: there is no such setting", "did you mean sources?"),
        ({"k": 0}, "k: ", None),
        ({"k": 1001}, "k: 1001 is above", None),
        ({"budget_ms": 0}, "budget_ms: ", None),
        ({"budgets_ms": {"score": 0}}, "budgets_ms.score: ", None),
        ({"budgets_ms": {"mmr": 1}}, "budgets_ms.mmr", None),
        ({"budget_ms": float("nan")}, "budget_ms: ", None),
        ({"rerank": [{"kind": "mmr"}]}, "rerank and worth need sources", None),
        ({"worth": {"view": 1}}, "rerank and worth need sources", None),
        ({"sources": [NEW], "rerank": [{"kind": "explore"}, {"kind": "mmr"}]},
         "rerank stands in the order freshness, mmr, spread, explore", None),
        ({"sources": [NEW], "rerank": [{"kind": "mmr"}, {"kind": "mmr"}]}, "mmr twice", None),
        ({"sources": [{"kind": "popular"}], "rerank": [{"kind": "explore"}]},
         'explore tries items of a source of kind "new"', None),
        ({"sources": [NEW], "rerank": [{"kind": "spread", "attribute": "shop"}]},
         "rerank.spread.attribute: no item attribute 'shop'", "dealer"),
        ({"sources": [NEW], "rerank": [{"kind": "spread", "attribute": "price"}]},
         "rerank.spread.attribute: 'price' is number", "category"),
        ({"sources": [NEW], "rerank": [{"kind": "freshness", "attribute": "price"}]},
         "rerank.freshness.attribute: 'price' is number", "time"),
        ({"sources": [{"kind": "attributes", "like": ["title"]}]},
         "sources.attributes.like: 'title' is text", "number"),
        ({"sources": [{"kind": "attributes", "where": {"shop": 1}}]}, "'shop'", "declared"),
        ({"sources": [NEW], "worth": {"wave": 1}}, "worth: no event type 'wave'", "view"),
        ({"sources": [NEW], "worth": {"hide": 1}}, "worth.hide is 1, but", "negative"),
        ({"sources": [NEW], "worth": {"view": 0}}, "worth nothing", None),
        ({"filters": {"colour": "red"}}, "no item attribute 'colour'", "dealer"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_place_and_its_cure(
    raw: dict[str, Any], said: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**raw)
    assert caught.value.message.startswith("[surfaces.s] ")
    assert said in caught.value.message
    if hint is not None:
        assert hint in (caught.value.hint or "")
