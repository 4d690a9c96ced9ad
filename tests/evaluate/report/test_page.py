"""The page: complete, self-contained, and nothing in a name can run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from palate.evaluate import Comparison, Protocol, compare

if TYPE_CHECKING:
    from tests.evaluate.conftest import Kit

ATTACK = "<script>alert(1)</script>"
QUOTED = "\"' onmouseover=alert(1) {{7*7}}"
VOID = {"meta", "link"}


class Page(HTMLParser):
    """Tags that were opened, and whether each was closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def comparison(kit: Kit) -> Comparison:
    models = {
        ATTACK: kit.model("popular"),
        QUOTED: kit.model("unpopular"),
        "plain": kit.model(),
        "failed": kit.model("raise"),
    }
    return compare(models, kit.crowd(name=f"data {ATTACK}"), Protocol(k=3, rounds=50))


def test_it_is_well_formed_and_has_every_section(comparison: Comparison) -> None:
    page = Page(comparison.to_html())
    assert page.open == []
    ids = {value for name, value in page.attributes if name == "id"}
    assert ids == {"leaderboard", "cost", "activity", "popularity", "beyond", "pairs", "how"}


def test_names_are_text_and_nothing_else(comparison: Comparison) -> None:
    text = comparison.to_html()
    page = Page(text)
    assert "script" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert ATTACK in page.words
    assert QUOTED in page.words
    assert "{{7*7}}" in "".join(page.words)


def test_it_loads_nothing(comparison: Comparison) -> None:
    text = comparison.to_html()
    page = Page(text)
    assert {"img", "iframe", "object", "embed", "form"}.isdisjoint(page.tags)
    links = [value for name, value in page.attributes if name in {"src", "href"}]
    assert links == ["data:,"]
    assert "url(" not in text
    assert "@import" not in text


def test_no_style_attribute_which_the_policy_would_block(comparison: Comparison) -> None:
    assert "style" not in {name for name, _ in Page(comparison.to_html()).attributes}


def test_the_policy_forbids_scripts(comparison: Comparison) -> None:
    policies = re.findall(r'Content-Security-Policy" content="([^"]*)"', comparison.to_html())
    assert len(policies) == 1
    assert "default-src 'none'" in policies[0]
    assert "unsafe" not in policies[0]


def test_every_picture_has_a_description(comparison: Comparison) -> None:
    pictures = re.findall(r"<svg [^>]*>", comparison.to_html())
    assert len(pictures) == 3 + 1 + 3 + 3  # bars, cost, activity, popularity
    assert all('role="img"' in p and "aria-label=" in p for p in pictures)


def test_no_number_is_missing(comparison: Comparison) -> None:
    text = comparison.to_html()
    assert "nan" not in "".join(Page(text).words).lower().split()
    assert 'd="M"' not in text


def test_figures_are_those_of_the_comparison(comparison: Comparison) -> None:
    text = comparison.to_html()
    for _, judgement in comparison.judged:
        for metric in comparison.protocol.metrics:
            assert f"{judgement.intervals[metric].estimate:.4f}" in text
    assert comparison.data.checksum[:12] in text
    assert comparison.protocol.hash[:12] in text
    assert comparison.environment.versions["numpy"] in text


def test_one_model_has_no_pairs(kit: Kit) -> None:
    page = Page(compare([kit.model("popular")], kit.crowd(), Protocol(rounds=10)).to_html())
    ids = {value for name, value in page.attributes if name == "id"}
    assert ids == {"leaderboard", "activity", "popularity", "beyond", "how"}


def test_nothing_but_failures(kit: Kit) -> None:
    text = compare([kit.model("raise")], kit.crowd(), Protocol(rounds=10)).to_html()
    assert "nothing to divide by" in text
    assert Page(text).open == []


def test_users_who_are_all_alike_have_no_activity_chart(kit: Kit) -> None:
    split = kit.cut([("u1", "a"), ("u2", "a")], [("u1", "b"), ("u2", "b")])
    text = compare([kit.model()], split, Protocol(rounds=10)).to_html()
    assert 'id="activity"' not in text


def test_nobody_gets_a_list(kit: Kit) -> None:
    text = compare([kit.model("unscored")], kit.crowd(), Protocol(rounds=10)).to_html()
    assert Page(text).open == []
