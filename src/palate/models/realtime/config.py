"""What the real-time recommender is set by; each part of it can be turned off."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from palate.models.config import Choice, Dimension, Range
from palate.train.settings import TrainConfig

__all__ = ["RealtimeConfig"]


class RealtimeConfig(TrainConfig):
    """Hyperparameters of the three nets and of their joint training."""

    epochs: int = Field(default=20, ge=1, description="Most passes over the training rows.")
    batch_size: int = Field(default=1024, ge=1, description="Examples a step.")
    learning_rate: float = Field(default=2e-3, gt=0, description="Of Adam.")
    patience: int = Field(
        default=3, ge=0, description="Epochs without a better NDCG@10 before it stops; 0: never."
    )
    validation: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the events, the newest, that decides when to stop and whether "
        "RankNet orders the list; 0, or patience = 0, trains all epochs.",
    )
    precision: Literal["float32", "bfloat16", "auto"] = Field(
        default="auto",
        description="Of products: bfloat16, float32, or auto: bfloat16 where the processor has "
        "instructions for it. Weights are float32.",
    )
    refit: bool = Field(
        default=True, description="Then learn from all events again, for the epochs found best."
    )

    anneal: bool = Field(
        default=False,
        description="The learning rate falls in a straight line, to 0 as the last of `epochs` "
        "ends; for few epochs of which all are taken.",
    )

    dimension: int = Field(default=64, ge=2, le=1024, description="Of the one space.")
    hidden: int = Field(default=128, ge=1, description="Units of the towers' hidden layer.")
    rank_hidden: tuple[PositiveInt, PositiveInt] = Field(
        default=(64, 32), description="Units of RankNet's two hidden layers."
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Of the towers' hidden units.")
    user_dropout: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Of UserNet's instead; more than ItemNet's where much is known of items and "
        "little of newcomers. None: as `dropout`.",
    )

    attributes: bool = Field(default=True, description="ItemNet reads typed attributes.")
    bins: int = Field(default=12, ge=2, le=4096, description="Knots of an item's number.")
    min_count: int = Field(
        default=2, ge=1, description="Items that a value needs; rarer ones share a row."
    )
    text: tuple[str, ...] = Field(
        default=(), description="Item attributes of text whose words' vectors it reads."
    )
    ids: bool = Field(default=True, description="ItemNet reads the hashed id.")
    id_dropout: float = Field(
        default=0.2, ge=0, le=1, description="p, how often an id reads zero in training."
    )
    id_spread: float = Field(
        default=0.1,
        ge=0,
        description="Deviation of the ids' first weights: what few events of an item leave of "
        "them is noise.",
    )
    id_buckets: int = Field(default=1 << 16, ge=1, description="Rows that trained ids share.")

    profile: bool = Field(default=True, description="UserNet reads the profile.")
    half_life_days: float = Field(default=30.0, gt=0, description="Of the profile's evidence.")
    profile_top: int = Field(
        default=64, ge=1, description="Values of an attribute with a place in the profile."
    )
    recent: int = Field(default=20, ge=0, description="m, newest items that UserNet reads.")
    heads: int = Field(default=4, ge=1, description="Ways of weighing recent items.")
    recent_gradient: bool = Field(
        default=False,
        description="The embeddings of recent items learn in each step; else they are those of "
        "the epoch's start, at half the time of a step.",
    )
    context: bool = Field(default=True, description="UserNet and RankNet read the moment.")
    rank_context: bool = Field(
        default=True, description="RankNet reads it; off: UserNet alone does."
    )
    interaction: bool = Field(
        default=True,
        description="RankNet reads products and distances of both embeddings beside the item's.",
    )
    ahead: int = Field(
        default=1,
        ge=1,
        description="An example foresees one of its user's events up to so many ahead; 1: the "
        "next alone. More where people are judged by all that they go on to do.",
    )
    short: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the examples that know 1 to 10 of their user's newest events and "
        "no more, so that newcomers are answered better.",
    )
    short_ahead: bool = Field(
        default=False,
        description="Those examples foresee any later event of their user, near or far alike: "
        "what comes next mostly resembles the last thing done, what comes later the person.",
    )

    tau: float = Field(default=0.1, gt=0, description="Temperature of the softmax.")
    log_q: bool = Field(
        default=True, description="Scores are corrected by how likely an item was drawn."
    )
    popularity: float = Field(
        default=0.0,
        ge=0,
        description="w, adds w ln(share of the examples) to what scores learn: above 0 where "
        "people go on to take much of what all take; 0 foresees the next item.",
    )
    exposure: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="w, takes w ln(share of the time that an item was about) off what scores "
        "learn: 1 where items come and go, so that a new one's few events are no dislike.",
    )
    in_batch: bool = Field(default=True, description="Other rows' items are negatives.")
    catalogue: int = Field(
        default=256, ge=0, description="Negatives drawn evenly from the catalogue a step."
    )
    shown: int = Field(
        default=2, ge=0, description="Negatives a row among what was shown and not taken."
    )
    hard: int = Field(
        default=0,
        ge=0,
        description="Negatives a row from the current index; where most of what is near is liked "
        "and not yet met, they mislead.",
    )
    hard_pool: int = Field(
        default=4096, ge=1, description="Items of the index that are searched a step."
    )
    hard_rows: int = Field(default=256, ge=1, description="Rows of a step that get hard ones.")
    cosine: float = Field(
        default=0.1, ge=0, description="Weight of the term that keeps both towers in one space."
    )
    rank: float = Field(default=0.5, ge=0, description="Weight of RankNet's loss; 0: untrained.")
    rank_rows: int = Field(default=256, ge=1, description="Rows of a step that RankNet learns of.")
    outcome_window_h: float = Field(
        default=24.0, gt=0, description="Hours around an event within which outcomes belong to it."
    )
    repeats: bool = Field(
        default=False, description="What a user comes back to is an example each time."
    )

    rerank: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="RankNet orders the head of the list; auto: where validation says so.",
    )
    candidates: int = Field(default=500, ge=1, description="Length of the head.")

    replay: float = Field(
        default=1.0,
        ge=0,
        description="Old examples, drawn evenly, beside each new one when it continues; "
        "0 learns of what is new alone, and forgets.",
    )
    continue_epochs: int = Field(
        default=3, ge=1, description="Passes over new and replayed examples when it continues."
    )
    continue_rate: float = Field(
        default=0.5, gt=0, le=1, description="Share of learning_rate when it continues."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "learning_rate": Range(5e-4, 5e-3, log=True),
        "tau": Range(0.03, 0.2, log=True),
        "hidden": Choice((64, 128, 256)),
        "dropout": Range(0.0, 0.4),
        "id_dropout": Range(0.0, 0.6),
        "recent": Choice((10, 20, 50)),
        "catalogue": Choice((256, 512, 1024, 2048)),
        "cosine": Range(0.01, 1.0, log=True),
    }
