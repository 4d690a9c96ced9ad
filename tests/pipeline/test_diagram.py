"""Drawings: every stage is there, in the order in which it runs."""

from __future__ import annotations

from tests.pipeline.fakes import surface

from palate.pipeline.diagram import mermaid, plain_text

WHOLE = surface(
    k=7,
    sources=[{"kind": "neighbours", "depth": 9}, {"kind": "attributes", "where": {"make": 'a"<b'}},
             {"kind": "attributes"}, {"kind": "new"}],
    filters={"price": {"max": 5.0}},
    worth={"view": 1, "hide": -2.5},
    rerank=[{"kind": "freshness"}, {"kind": "mmr"}, {"kind": "spread", "attribute": "make"},
            {"kind": "spread", "attribute": "dealer"}, {"kind": "explore"}],
)  # fmt: skip


def test_plain_text() -> None:
    assert plain_text(WHOLE).splitlines() == [
        "retrieve    neighbours  depth 9",
        'retrieve    attributes  where {"make": "a\\"<b"}',
        "retrieve    attributes.2",
        "retrieve    new",
        "hydrate     attributes, vectors",
        'filter      drops deleted, hidden, blocked, seen  price: {"max": 5.0}',
        "score       rank net  at most 500",
        "fuse        view x 1  hide x -2.5",
        "rerank      freshness",
        "rerank      mmr",
        "rerank      spread  attribute make",
        "rerank      spread.2  attribute dealer",
        "rerank      explore",
        "slate       7 items",
    ]


def test_mermaid() -> None:
    lines = mermaid(WHOLE).splitlines()
    assert lines[0] == "flowchart TD"
    assert "    request --> source0 --> gather" in lines
    assert lines[-1].endswith("--> slate")
    arrows = [line for line in lines if "-->" in line]
    assert len(arrows) == len(plain_text(WHOLE).splitlines())
    text = "\n".join(lines)
    assert "make#quot;: #quot;a" in text  # nothing ends a box too early
    assert "#lt;b" in text
    assert all(line.count('"') in (0, 2) for line in lines)


def test_a_surface_of_the_model_alone() -> None:
    model = surface(sources=[], alias="canary", exclude_seen=False)
    assert plain_text(model).splitlines() == [
        "model       alias canary",
        "filter      drops deleted, hidden",
        "slate       10 items",
    ]
    assert "request --> model" in mermaid(model)


def test_a_surface_without_nets() -> None:
    assert "fuse" not in plain_text(surface(score="sources"))
