"""KuaiRand as a table of exposures with what was known before each: nothing from later rows.

Counts and rates come from earlier exposures and from each user's lists before the log began;
the item table's own counts cover the whole period and are not read. Time is `time_ms`, moved
to the users' zone; the log's `date` and `hourmin` run an hour ahead on a part of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from palate.data.dataset import Dataset
from palate.features.columns import ColumnSpec, past_counts, smoothed_rate
from palate.models.puresvd import PureSVD, PureSVDConfig
from palate.types import AttributeKind

__all__ = ["CUT_MS", "LABEL", "SPECS", "earlier_lists", "exposures", "with_features"]

LABEL = "is_click"
ZONE_H = 8
CUT_MS = int(
    (datetime(2022, 5, 3, tzinfo=UTC) - timedelta(hours=ZONE_H)).timestamp() * 1000
)  # 3 May, 0:00 where the users are
# Outcomes that are counted, and what a key without rows gets: about the log's first day.
PRIORS = {LABEL: 0.45, "long_view": 0.3}
STRENGTH = 10.0

# Each key with the outcomes that are counted for it.
KEYS: dict[str, tuple[str, ...]] = {
    "user": ("user_id",),
    "user_tab": ("user_id", "tab"),
    "user_tag": ("user_id", "tag"),
    "user_author": ("user_id", "author_id"),
    "video": ("video_id",),
    "video_tab": ("video_id", "tab"),
    "author": ("author_id",),
    "tag": ("tag",),
    "tag_tab": ("tag", "tab"),
    "tab": ("tab",),
    "upload_tab": ("upload_type", "tab"),
}
USER_CATEGORIES = (
    "user_active_degree",
    "is_live_streamer",
    "is_video_author",
    *(f"onehot_feat{i}" for i in range(18)),
)
USER_NUMBERS = ("follow_user_num", "fans_user_num", "friend_user_num", "register_days")
ITEM_CATEGORIES = ("video_type", "upload_type", "music_type", "tag")
ITEM_NUMBERS = ("server_width", "server_height")


def exposures(folder: Path) -> pl.DataFrame:
    """The log in time order with attributes of user and video; `folder` holds the four tables."""
    log = pl.read_parquet(folder / "interactions.parquet").select(
        "user_id",
        "video_id",
        "time_ms",
        "tab",
        "duration_ms",
        "is_click",
        "long_view",
    )
    users = pl.read_parquet(folder / "users.parquet").select(
        "user_id", *USER_CATEGORIES, *USER_NUMBERS
    )
    items = pl.read_parquet(folder / "items.parquet").select(
        "video_id", "author_id", "upload_dt", *ITEM_CATEGORIES, *ITEM_NUMBERS
    )
    table = (
        log.sort("time_ms", maintain_order=True)
        .join(users, on="user_id", how="left", maintain_order="left")
        .join(items, on="video_id", how="left", maintain_order="left")
    )
    return _with_lists(table, earlier_lists(folder), items)


def earlier_lists(folder: Path) -> pl.DataFrame:
    """What each user watched, liked and watched for long before the log began.

    Some lists reach 46 minutes into the log; those are left out, since others' rows would see
    ahead.
    """
    start = pl.scan_parquet(folder / "interactions.parquet").select(pl.col("time_ms").min())
    lists = pl.read_parquet(folder / "history_before.parquet")
    return lists.filter(pl.col("last_time_ms") < start.collect().item())


def with_features(table: pl.DataFrame, *, users_frozen_at: int | None = None) -> pl.DataFrame:
    """`table` with context, counts and rates, each from earlier rows alone.

    Args:
        table: As `exposures` gives it.
        users_frozen_at: Time from which keys with a user in them learn nothing more.
    """
    local = pl.from_epoch("time_ms", time_unit="ms") + pl.duration(hours=ZONE_H)
    frame = table.with_columns(
        hour=local.dt.hour(),
        weekday=local.dt.weekday(),
        age_days=(local - pl.col("upload_dt").str.to_datetime("%Y-%m-%d")).dt.total_hours() / 24,
    )
    added = [frame]
    for name, key in KEYS.items():
        personal = "user_id" in key
        frozen = users_frozen_at if personal else None
        counts = past_counts(frame, key, tuple(PRIORS), time="time_ms", frozen_at=frozen)
        shown = counts["shown"].to_numpy()
        rates = {
            f"{name}_{what}": smoothed_rate(
                counts[what].to_numpy(), shown, prior=prior, strength=STRENGTH
            )
            for what, prior in PRIORS.items()
        }
        added.append(pl.DataFrame({f"{name}_shown": shown, **rates}))
    added.append(_since(frame, users_frozen_at))
    return pl.concat(added, how="horizontal")


def _since(frame: pl.DataFrame, frozen_at: int | None) -> pl.DataFrame:
    """Seconds since the user's and the user's last click in an earlier exposure; null if none.

    Rows of one moment see none of each other.
    """
    moments = frame.group_by("user_id", "time_ms").agg(clicked=pl.col(LABEL).max())
    if frozen_at is not None:
        moments = moments.with_columns(
            clicked=pl.when(pl.col("time_ms") < frozen_at).then("clicked")
        )
    seen = pl.col("time_ms")
    if frozen_at is not None:
        seen = pl.when(seen < frozen_at).then(seen)
    moments = moments.sort("user_id", "time_ms").with_columns(
        since_shown=(pl.col("time_ms") - seen.shift(1).forward_fill().over("user_id")) / 1000,
        since_click=(
            pl.col("time_ms")
            - pl.when(pl.col("clicked") == 1)
            .then("time_ms")
            .shift(1)
            .forward_fill()
            .over("user_id")
        )
        / 1000,
        last_click=pl.col("clicked").shift(1).forward_fill().over("user_id"),
    )
    return frame.join(moments, on=["user_id", "time_ms"], how="left", maintain_order="left").select(
        "since_shown", "since_click", "last_click"
    )


def _with_lists(table: pl.DataFrame, before: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """What the lists before the log say of each user, each video, and of both together."""
    watched = _exploded(before, "watch_seq", items)
    longs = _exploded(before, "long_watch_seq", items)
    likes = _exploded(before, "like_seq", items)
    out = table
    for name, keys in (
        ("user", ["user_id"]),
        ("video", ["video_id"]),
        ("author", ["author_id"]),
        ("user_tag", ["user_id", "tag"]),
        ("user_author", ["user_id", "author_id"]),
    ):
        out = _counted(out, watched, keys, f"before_{name}_watched")
        out = _counted(out, longs, keys, f"before_{name}_long")
    out = _counted(out, likes, ["user_id"], "before_user_likes")
    out = _counted(out, likes, ["video_id"], "before_video_likes")
    out = out.with_columns(before_taste=_taste(out, longs))
    return out.with_columns(
        (pl.col(f"before_{name}_long") + 3) / (pl.col(f"before_{name}_watched") + 10)
        for name in ("user", "video", "author", "user_tag")
    )


def _taste(table: pl.DataFrame, longs: pl.DataFrame) -> pl.Series:
    """(n,) PureSVD's score of each row's video for its user, from the lists alone."""
    ids = [pl.col("user_id").cast(pl.String), pl.col("video_id").cast(pl.String).alias("item_id")]
    model = PureSVD(PureSVDConfig(f=48)).fit(Dataset.from_frames(longs.select(ids)))
    return pl.Series(model.score(table.select(ids)))


def _exploded(before: pl.DataFrame, column: str, items: pl.DataFrame) -> pl.DataFrame:
    return (
        before.select("user_id", video_id=column)
        .explode("video_id")
        .drop_nulls()
        .join(items.select("video_id", "author_id", "tag"), on="video_id", how="left")
    )


def _counted(
    table: pl.DataFrame, rows: pl.DataFrame, keys: Sequence[str], name: str
) -> pl.DataFrame:
    counts = rows.group_by(keys).agg(pl.len().cast(pl.Float64).alias(name))
    joined = table.join(counts, on=list(keys), how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(0.0))


def _specs() -> tuple[ColumnSpec, ...]:
    category, number = AttributeKind.CATEGORY, AttributeKind.NUMBER
    found = [
        ColumnSpec(name=name, kind=category, min_count=20)
        for name in ("tab", "hour", "weekday", "last_click", *ITEM_CATEGORIES, *USER_CATEGORIES)
    ]
    shares = [f"{key}_{what}" for key in KEYS for what in PRIORS]
    shares.append("before_taste")
    shares += [f"before_{name}_long" for name in ("user", "video", "author", "user_tag")]
    amounts = [f"{key}_shown" for key in KEYS]
    amounts += ["duration_ms", "age_days", "since_shown", "since_click"]
    amounts += [*USER_NUMBERS, *ITEM_NUMBERS, "before_user_likes", "before_video_likes"]
    amounts += [
        f"before_{name}_watched" for name in ("user", "video", "author", "user_tag", "user_author")
    ]
    found += [ColumnSpec(name=name, kind=number, bins=16) for name in shares]
    found += [ColumnSpec(name=name, kind=number, scale="log", bins=16) for name in amounts]
    return tuple(found)


SPECS = _specs()
