"""From data to an explained recommendation, on the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from palate.config import load_settings
from palate.evaluate.runs import open_runs
from palate.events.log.sqlite import SqliteEventLog
from palate.events.served import Slate, served_event
from palate.models.popular import Popular

Run = Callable[..., Any]


def test_import_writes_settings_and_counts(palate: Run, tmp_path: Path) -> None:
    first = palate("import", "generated", "--json")
    assert first.code == 0
    assert first.data == {
        "source": "generated",
        "interactions": 10_000,
        "users": 300,
        "items": 200,
        "new": 10_500,
        "duplicates": 0,
    }
    assert "wrote palate.toml" in first.err
    schema = load_settings(tmp_path / "palate.toml").schema_
    assert list(schema.events) == ["click"]
    assert schema.items["genres"].kind == "categories"
    second = palate("import", "generated")
    assert second.code == 0
    assert "0 new, 10,500 duplicates" in second.out


def test_a_model_that_learns_from_what_was_shown_gets_it(
    palate: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[pl.DataFrame] = []

    def with_shown(model: Popular, shown: pl.DataFrame) -> Popular:
        given.append(shown)
        return model

    monkeypatch.setattr(Popular, "with_shown", with_shown, raising=False)
    slate = Slate(
        request_id="r", user_id="u", timestamp=10**15, items=["a", "b"], scores=[2.0, 1.0],
        propensities=[1.0, 1.0],
    )  # fmt: skip
    with SqliteEventLog(project / ".palate" / "events" / "log.sqlite") as log:
        log.append([served_event(slate, "s")])
    assert palate("train", "popular").code == 0
    assert palate("train", "itemknn").code == 0
    (shown,) = given
    assert shown.select("user_id", "item_id").rows() == [("u", "a"), ("u", "b")]


def test_train_releases_the_next_version(palate: Run, project: Path) -> None:
    trained = palate("train", "itemknn", "--name", "films", "--set", "K=7", "--json")
    assert trained.code == 0, trained.err
    assert trained.data["config"]["K"] == 7
    assert trained.data["release"] == "films:1"
    assert trained.data["rows"] == 500
    assert trained.data["alias"] is None
    assert palate("train", "ease", "--name", "films", "--json").data["release"] == "films:2"


def test_releases_are_listed_shown_moved_and_audited(palate: Run, project: Path) -> None:
    listed = palate("release", "list", "--json").data
    assert [(r["release"], r["aliases"]) for r in listed] == [
        ("sar:1", ["stable"]),
        ("popular:1", []),
    ]
    assert "sar:1" in palate("release", "list").out
    shown = palate("release", "show", "stable", "--json").data
    assert (shown["ref"], shown["model"], shown["data"]["rows"]) == ("sar:1", "sar", 500)
    assert "similarity" in palate("release", "show", "sar:1").out
    assert "popular:1 again" in palate("release", "rollback", "--reason", "worse").out
    moved = palate("release", "promote", "sar", "--alias", "canary", "--json").data
    assert moved == {"alias": "canary", "release": "sar:1"}
    audit = palate("release", "audit", "--json").data
    assert [(e["action"], e["ref"], e["alias"]) for e in audit[-2:]] == [
        ("rollback", "popular:1", "stable"),
        ("promote", "sar:1", "canary"),
    ]
    assert audit[-2]["why"] == "worse"


def test_compare_orders_models_writes_reports_and_keeps_runs(palate: Run, project: Path) -> None:
    compared = palate(
        "compare", "popular", "ease", "--markdown", "t.md", "--html", "r.html", "--json"
    )
    assert compared.code == 0, compared.err
    assert [row["name"] for row in compared.data["rows"]] == ["ease", "popular"]
    assert Path("t.md").read_text().startswith("| Model | NDCG@10 |")
    assert Path("r.html").read_text().lower().startswith("<!doctype html>")
    assert {run.name for run in open_runs(project / ".palate").recent()} == {"ease", "popular"}
    assert "| ease |" in palate("compare", "ease").out


def test_flags_change_the_protocol(palate: Run, project: Path) -> None:
    compared = palate(
        "compare", "popular", "--k", "5", "--split", "global-time", "--seed", "7", "--json"
    )
    protocol = compared.data["protocol"]
    assert (protocol["k"], protocol["split"]["name"], protocol["seed"]) == (5, "global_time", 7)


def test_evaluate_judges_one_model(palate: Run, project: Path) -> None:
    judged = palate("evaluate", "itemknn", "--set", "K=5", "--json")
    assert [row["name"] for row in judged.data["rows"]] == ["itemknn"]
    assert judged.data["rows"][0]["config"]["K"] == 5


def test_a_release_is_judged_on_what_came_later(palate: Run, project: Path) -> None:
    early = palate("evaluate", "sar:1")
    assert early.code == 1
    assert "nothing happened after" in early.err
    lines = [
        f'{{"event": "click", "user_id": "u{n:02}", "item_id": "m{m:02}"}}'
        for n in range(1, 9)
        for m in range(1, 41)
    ]
    Path("later.jsonl").write_text("\n".join(lines))
    assert palate("events", "post", "later.jsonl").code == 0
    judged = palate("evaluate", "sar:1", "--json")
    assert judged.code == 0, judged.err
    assert judged.data["users"] == 8
    assert 0 < judged.data["metrics"]["ndcg"]["estimate"] <= 1
    (run,) = open_runs(project / ".palate").recent()
    assert (run.name, run.model, run.fit_s) == ("sar:1", "sar", None)
    assert run.metrics["ndcg"].estimate == judged.data["metrics"]["ndcg"]["estimate"]
    assert "NDCG@10" in palate("evaluate", "sar:1").out
    assert "are for models" in palate("evaluate", "sar:1", "--set", "x=1").err


def test_tune_says_what_to_write_into_the_settings(palate: Run, project: Path) -> None:
    tuned = palate("tune", "itemknn", "--trials", "3")
    assert tuned.code == 0, tuned.err
    table = tomllib.loads(tuned.out.partition("for palate.toml\n")[2])
    assert set(table) == {"models"}
    found = palate("tune", "itemknn", "--trials", "3", "--json").data
    assert found["trials"][0]["quality"] >= found["trials"][-1]["quality"]
    assert {row["name"] for row in found["test"]["rows"]} == {"default", "tuned"}


def test_recommend_shows_titles_and_reasons_and_nothing_seen(palate: Run, project: Path) -> None:
    answer = palate("recommend", "u01", "-k", "4", "--explain", "--json")
    assert answer.code == 0, answer.err
    assert (answer.data["release"], answer.data["known"]) == ("sar:1", True)
    items = answer.data["items"]
    assert len(items) == 4
    assert all(item["title"].startswith("The ") for item in items)
    assert all(0 < reason["share"] <= 1 for item in items for reason in item["reasons"])
    seen = {reason["item_id"] for item in items for reason in item["reasons"]}
    assert not seen & {item["item_id"] for item in items}
    text = palate("recommend", "u01", "-k", "4", "--explain").out
    assert items[0]["title"] in text
    assert "because of" in text


def test_a_filter_is_kept_to(palate: Run, project: Path) -> None:
    answer = palate("recommend", "u01", "--filter", '{"year": {"min": 2000}}', "--json")
    assert answer.code == 0, answer.err
    assert answer.data["items"]
    assert all(int(item["title"][-5:-1]) >= 2000 for item in answer.data["items"])


def test_an_unknown_user_gets_popular_items(palate: Run, project: Path) -> None:
    answer = palate("recommend", "stranger", "--json")
    assert answer.code == 0
    assert not answer.data["known"]
    assert answer.data["items"]
    assert "these items are popular" in answer.err


def test_similar_and_explain(palate: Run, project: Path) -> None:
    near = palate("similar", "m01", "-k", "3", "--json").data
    assert len(near["items"]) == 3
    assert "m01" not in {item["item_id"] for item in near["items"]}
    assert near["items"][0]["title"] in palate("similar", "m01", "-k", "3").out
    wanted = palate("recommend", "u01", "-k", "1", "--json").data["items"][0]
    why = palate("explain", "u01", wanted["item_id"], "--json").data
    assert why["score"] == pytest.approx(wanted["score"], rel=1e-5)
    assert sum(reason["share"] for reason in why["reasons"]) <= 1 + 1e-6
    assert why["reasons"][0]["title"] in palate("explain", "u01", wanted["item_id"]).out


def test_another_release_may_be_asked(palate: Run, project: Path) -> None:
    assert (
        palate("recommend", "u01", "--release", "popular", "--json").data["release"] == "popular:1"
    )


def test_a_posted_event_changes_the_next_answer(palate: Run, project: Path) -> None:
    before = palate("recommend", "u01", "--json").data["items"][0]["item_id"]
    posted = palate("events", "post", "--event", "click", "--user", "u01", "--item", before)
    assert posted.code == 0
    assert "accepted" in posted.out
    after = palate("recommend", "u01", "-k", "40", "--json").data["items"]
    assert before not in {item["item_id"] for item in after}


def test_one_invalid_event_does_not_sink_the_others(palate: Run, project: Path) -> None:
    lines = [
        '{"event": "click", "event_id": "e1", "user_id": "new", "item_id": "m01"}',
        '{"event": "click", "value": "much"}',
        '{"event": "click", "event_id": "e1", "user_id": "new", "item_id": "m01"}',
    ]
    posted = palate("events", "post", "-", "--json", given="\n".join(lines))
    assert posted.code == 1
    assert [r["verdict"] for r in posted.data] == ["accepted", "invalid", "duplicate"]
    assert posted.data[1]["reason"]


def test_the_log_can_be_counted_and_read(palate: Run, project: Path) -> None:
    counted = palate("events", "stats", "--json").data
    by_type = {row["event"]: row for row in counted["events"]}
    assert (by_type["click"]["count"], by_type["click"]["users"]) == (500, 60)
    assert by_type["item.upserted"]["count"] == 40
    assert "500" in palate("events", "stats").out
    newest = palate("events", "tail", "-n", "2", "--json").out.splitlines()
    assert len(newest) == 2
    items = palate("events", "tail", "-n", "3", "--event", "item.upserted").out.splitlines()
    assert len(items) == 3
    assert all("item.upserted" in line for line in items)
    assert palate("events", "tail", "-n", "0").out == ""


def test_the_gate_refuses_without_later_events(palate: Run, project: Path) -> None:
    judged = palate("release", "gate", "popular", "--json")
    assert judged.code == 1
    assert judged.data["decision"] == "refused"
    impossible = palate("release", "gate", "popular", "--tolerance", "7")
    assert impossible.code == 1
    assert impossible.err.startswith("error: gate: ")


def test_a_first_release_passes_the_gate(palate: Run, project: Path) -> None:
    judged = palate("release", "gate", "sar", "--alias", "fresh")
    assert judged.code == 0
    assert judged.out.startswith("pass")
