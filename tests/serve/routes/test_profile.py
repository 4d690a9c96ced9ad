"""`GET /v1/users/{user_id}/profile`: what somebody prefers, how sure that is, and whose it is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from palate.config import Attribute, ProfileSettings, Settings
from palate.events.identity import now_us
from palate.events.schema import Event
from palate.features.profile.refresh import refresh_prior
from palate.testing.service import InProcessService
from palate.types import AttributeKind


@pytest.fixture
def profiled(settings: Settings) -> Iterator[InProcessService]:
    """The world with profiles, filled from its log, and its average."""
    price = Attribute(kind=AttributeKind.NUMBER, scale="log")
    wanted = settings.model_copy(
        update={"profile": ProfileSettings(), "items": {**settings.items, "price": price}}
    )
    with InProcessService(wanted) as service:
        refresh_prior(service.ingest.state.profiles, now_us())
        yield service


def test_ann_likes_comedies_more_than_most(profiled: InProcessService) -> None:
    found = profiled.request("GET", "/v1/users/ann/profile").json
    genre, price = found["categories"]["genre"], found["numbers"]["price"]
    comedy, drama = genre["values"]
    assert (comedy["value"], drama["value"]) == ("comedy", "drama")
    assert comedy["probability"] > 0.7 > comedy["usual"]
    assert comedy["probability"] + drama["probability"] + genre["rest"] == pytest.approx(1.0)
    percent, deviation = round(100 * comedy["probability"]), round(100 * comedy["deviation"])
    assert comedy["text"] == f"comedy {percent} % ± {deviation}"
    assert genre["events"] == pytest.approx(2.0, abs=1e-3)
    assert 0.0 < price["mean"] < price["usual"], "c0 and c1 are the cheapest"
    assert price["deviation"] > 0.0
    assert price["spread"] > 0.0
    assert " ± " in price["text"]
    assert set(found["categories"]) == {"genre"}
    assert found["user_id"] == "ann"
    assert found["prior"] > 1_700_000_000
    assert found["half_life_days"] == 30.0


def test_it_sharpens_click_by_click(profiled: InProcessService) -> None:
    deviations = []
    for item in ("c2", "c3", "c4"):
        profiled.ingest.append([Event(event="click", user_id="ann", item_id=item)])
        found = profiled.request("GET", "/v1/users/ann/profile?k=1").json
        (likeliest,) = found["categories"]["genre"]["values"]
        deviations.append(likeliest["deviation"])
    assert deviations == sorted(deviations, reverse=True)


def test_a_visitor_has_one_until_they_are_somebody(profiled: InProcessService) -> None:
    profiled.ingest.append([Event(event="click", anonymous_id="v", item_id="d1")])
    path = "/v1/users/v/profile"
    assert profiled.request("GET", path).status == 404
    found = profiled.request("GET", f"{path}?visitor=true").json
    assert found["categories"]["genre"]["values"][0]["value"] == "drama"
    before = profiled.request("GET", "/v1/users/ann/profile").json
    profiled.request("POST", "/v1/users/ann/identify", {"anonymous_id": "v"})
    assert profiled.request("GET", f"{path}?visitor=true").status == 404
    after = profiled.request("GET", "/v1/users/ann/profile").json
    events = [one["categories"]["genre"]["events"] for one in (before, after)]
    assert events[1] == pytest.approx(events[0] + 1.0, abs=1e-3)


def test_somebody_known_who_did_nothing_is_average(profiled: InProcessService) -> None:
    profiled.request("PUT", "/v1/users/new", {})
    found = profiled.request("GET", "/v1/users/new/profile").json
    for value in found["categories"]["genre"]["values"]:
        assert value["probability"] == value["usual"]
    assert found["numbers"]["price"]["events"] == 0.0


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/v1/users/nobody/profile", 404, "unknown-user"),
        ("/v1/users/ann/profile?visitor=yes", 422, "impossible-parameter"),
        ("/v1/users/ann/profile?k=0", 422, "impossible-number"),
        ("/v1/users/%0A/profile", 422, "impossible-id"),
    ],
)
def test_bad_questions(profiled: InProcessService, path: str, status: int, kind: str) -> None:
    answered = profiled.request("GET", path)
    assert answered.status == status
    assert answered.json["type"].startswith("urn:palate:problem:")
    if kind != "impossible-id":
        assert answered.json["type"].endswith(kind)


def test_without_the_table_there_are_none(reading: InProcessService) -> None:
    answered = reading.request("GET", "/v1/users/ann/profile")
    assert answered.status == 404
    assert answered.json["type"].endswith("no-profiles")


def test_before_there_is_an_average(empty_settings: Settings) -> None:
    wanted = empty_settings.model_copy(update={"profile": ProfileSettings()})
    with InProcessService(wanted) as service:
        service.request("PUT", "/v1/users/ann", {})
        answered = service.request("GET", "/v1/users/ann/profile")
        assert answered.status == 404
        assert answered.json["type"].endswith("no-average")


def test_numbers_in_their_own_units() -> None:
    from palate.features.profile import NumberPreference
    from palate.features.profile.units import in_units

    scaled = NumberPreference(math.log1p(9000.0), 0.1, 0.5, 3.0)
    found = in_units(scaled, Attribute(kind=AttributeKind.NUMBER, scale="log"))
    assert found.mean == pytest.approx(9000.0)
    assert found.deviation == pytest.approx(9001.0 * math.sinh(0.1))
    assert found.spread == pytest.approx(9001.0 * math.sinh(0.5))
    plain = in_units(NumberPreference(-5.0, 1.0, 2.0, 3.0), Attribute(kind=AttributeKind.NUMBER))
    assert (plain.mean, plain.deviation, plain.spread) == (-5.0, 1.0, 2.0)
    far = in_units(
        NumberPreference(1e6, 1e6, 1e6, 1.0), Attribute(kind=AttributeKind.NUMBER, scale="log")
    )
    assert math.isfinite(far.mean)
