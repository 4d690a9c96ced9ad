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
    budgets_ms={"hydrate": 5, "fallback": 2.5},
    rerank=[{"kind": "freshness"}, {"kind": "mmr", "budget_ms": 8},
            {"kind": "spread", "attribute": "make"}, {"kind": "spread", "attribute": "dealer"},
            {"kind": "explore"}],
)  # fmt: skip


def test_plain_text() -> None:
    assert plain_text(WHOLE).splitlines() == [
        "person      50 ms   who asks",
        "recent      50 ms   their last items",
        "user        50 ms   their embedding",
        "retrieve    50 ms   neighbours  depth 9",
        'retrieve    50 ms   attributes  where {"make": "a\\"<b"}',
        "retrieve    50 ms   attributes.2",
        "retrieve    50 ms   new",
        "fallback    2.5 ms  popular",
        "fallback    2.5 ms  new",
        "hydrate     5 ms    attributes",
        'filter      50 ms   drops deleted, hidden, blocked, seen  price: {"max": 5.0}',
        "vectors     50 ms   from the index, where no source brought them",
        "features    50 ms   of the request",
        "score       50 ms   rank net  at most 500",
        "fuse        50 ms   view x 1  hide x -2.5",
        "rerank      50 ms   freshness",
        "rerank      8 ms    mmr",
        "rerank      50 ms   spread  attribute make",
        "rerank      50 ms   spread.2  attribute dealer",
        "verify      50 ms   the store has the last word",
        "rerank      50 ms   explore",
        "slate       50 ms   7 items",
    ]


def test_mermaid() -> None:
    lines = mermaid(WHOLE).splitlines()
    assert lines[0] == "flowchart TD"
    assert "    request --> before0" in lines
    assert "    before2 --> source0 --> gather" in lines
    assert '    stage0["hydrate<br/>attributes<br/>5 ms"]' in lines
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
    assert '    stage0["model<br/>alias canary"]' in mermaid(model)
    assert "    request --> stage0" in mermaid(model)


def test_a_surface_without_nets() -> None:
    drawn = plain_text(surface(score="sources"))
    assert "fuse        50 ms  places in the sources  at most 500" in drawn
    assert "score" not in drawn
    assert "vectors" not in drawn
    assert "vectors" in plain_text(surface(score="sources", rerank=[{"kind": "mmr"}]))
