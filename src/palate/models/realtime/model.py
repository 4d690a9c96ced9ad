"""The real-time deep recommender: user, item and rank nets, trained once, served as they are.

    score(u, i) = userNet(profile of u, newest items of u) . itemNet(attributes of i, id of i)

and, where that is better on the validation part, the head of the list is ordered by

    sum_o worth_o rankNet_o(u, i) / sum_o worth_o

RankNet's graph says itself how much it is to be trusted: with a trust of 0 its probabilities rise
with closeness, so that whoever ranks by them does what the model does. torch trains it
(`palate[train]`) and ONNX Runtime scores it (`palate[realtime]`). An item is answered by its
attributes whether or not anybody has touched it; `with_items` takes a newer catalogue. `nets` is
what a service embeds and ranks with, item by item and request by request.

Sources: Covington, Adams and Sargin 2016, RecSys; Yi et al. 2019, RecSys; Huang et al. 2020, KDD
(see `nets/realtime*.py` for what was taken from each).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import polars as pl

from palate._optional import require
from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import ConfigError, DataError, NotFittedError
from palate.models.continuing import Continuing
from palate.models.deep import alike
from palate.models.held_out import HeldOut
from palate.models.pairs import distinct_items
from palate.models.realtime import files, stored
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.events import Events
from palate.models.realtime.examples import Profiles
from palate.models.realtime.further import check_config, check_data, lesson
from palate.models.realtime.held import hold_out
from palate.models.realtime.nets import Nets
from palate.models.realtime.newcomers import newcomers
from palate.models.realtime.prepare import evidence_of, fit_encoder, fit_profiles
from palate.models.realtime.scoring import Scorer
from palate.models.realtime.sound import rank_fault
from palate.types import BoolArray, Float32Array, FloatArray, Int32Array, Progress

if TYPE_CHECKING:
    from palate.models.nets.realtime import RealtimeNet
    from palate.models.nets.realtime_fit import Course

__all__ = ["Realtime"]

TRUSTS: Final = (0.25, 0.5, 1.0)  # in RankNet, of which validation chooses, or none
ALWAYS: Final = 1.0
_ALWAYS_CAN: Final = frozenset({"similar_items", "continue_fit"})


class Realtime(Continuing[RealtimeConfig]):
    """User, item and rank nets.

    Args:
        config: Hyperparameters.
        served: What was shown, as `data.outcomes.join_outcomes` gives it; what was left alone
            teaches, beside events of the dataset that are worth nothing.

    Attributes:
        folder: Where training writes its table, to read it again part by part, so that memory
            does not grow with the log; None keeps it in memory. Whoever sets it removes it.
    """

    name = "realtime"
    Config = RealtimeConfig
    capabilities = frozenset({"similar_items", "cold_items", "continue_fit"})
    parallel = True
    folder: Path | None = None

    _nets: Nets
    _profiles: Profiles
    _vectors: Float32Array  # (n_items, dimension)
    _known: BoolArray  # (n_items,) items that somebody took in training
    _rank_weight: float  # RankNet's trust; 0: closeness orders the list
    _scorer: Scorer

    def __init__(
        self, config: RealtimeConfig | None = None, *, served: pl.DataFrame | None = None
    ) -> None:
        super().__init__(config)
        self._served = served
        if not self.config.attributes:
            self.capabilities = _ALWAYS_CAN

    def with_shown(self, shown: pl.DataFrame) -> Self:
        """Itself, to be fitted with what was shown, as `data.shown.shown_in` gives it."""
        self._served = shown
        return self

    @property
    def nets(self) -> Nets:
        """What a service embeds and ranks with.

        Raises:
            NotFittedError: Before `fit` or `load`.
        """
        if self._vocabulary is None:
            raise NotFittedError(f"{self.name} is not fitted", hint="call fit or load first")
        return self._nets

    @property
    def vectors(self) -> Float32Array:
        """(n_items, dimension) float32 vectors of the items that the model knows, length 1."""
        _ = self.nets
        return self._vectors

    # ------------------------------------------------------------------ fit

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        require("torch", extra="train")
        require("onnx", extra="train")
        from palate.models.nets.realtime_export import graphs_of
        from palate.models.nets.realtime_fit import Course, learn

        config = self.config
        events = Events.of(dataset, self._served)
        profiles = fit_profiles(dataset, events, config)
        if not (config.recent or config.context or profiles.size):
            raise ConfigError(
                "realtime reads nothing of users: no profile, no recent items, no context",
                hint="set recent above 0, or give items attributes",
            )
        encoder = fit_encoder(dataset, events, config)
        course = Course.over(dataset, events, profiles, encoder, config, self.folder, progress)

        def take(net: RealtimeNet, *, trust: float, vectors: Float32Array | None = None) -> None:
            net.rank.trust.fill_(trust)
            graphs = graphs_of(net, n_slots=encoder.n_slots)
            self._take(*self._made(graphs, course, dataset, vectors))
            self._rank_weight = trust

        taken = events.histories.items[events.positive()]
        self._known = np.bincount(taken, minlength=dataset.n_items) > 0
        trust = ALWAYS if config.rerank == "always" and config.rank > 0 else 0.0
        epochs = config.epochs
        if config.validation > 0 and config.patience > 0:
            held, among = hold_out(events, share=config.validation, seed=config.seed)
            if len(held):
                net, epochs = learn(course, among, held, epochs)
                take(net, trust=trust)
                if config.rerank == "auto" and config.rank > 0:
                    again = partial(take, net, vectors=self._vectors)
                    trust = self._chosen(held, lambda one: again(trust=one))
                    again(trust=trust)
                if not config.refit:
                    return
        take(learn(course, np.ones(len(events), np.bool_), None, epochs)[0], trust=trust)

    @staticmethod
    def _made(
        graphs: Mapping[str, bytes],
        course: Course,
        dataset: Dataset,
        vectors: Float32Array | None = None,
    ) -> tuple[Nets, Profiles, Float32Array]:
        """Nets of graphs, and the vectors of all items, unless they are known.

        Raises:
            DataError: A vector is not finite.
        """
        config, events = course.config, course.events
        parts = files.packed(
            graphs,
            course.encoder,
            course.profiles.layout,
            dimension=config.dimension,
            recent=config.recent,
            context=config.context,
            outcomes={o: dataset.schema.event_type(o).weight for o in events.outcomes},
        )
        nets = Nets(parts)
        if vectors is None:
            vectors = nets.embed_rows(course.rows.head(dataset.n_items))
        held = events.histories
        known = np.bincount(held.items, minlength=dataset.n_items) > 0
        some = newcomers(known, int(held.timestamps.max(initial=0)))
        asked = Scorer(nets, course.profiles, vectors).users(some)
        if not (np.isfinite(vectors).all() and np.isfinite(asked).all()):
            raise DataError(
                "realtime diverged: a vector is no longer finite",
                hint="lower learning_rate, or set clip_norm to 1",
            )
        return nets.asked_by(asked), course.profiles, vectors

    def _take(self, nets: Nets, profiles: Profiles, vectors: Float32Array) -> None:
        self._nets, self._profiles, self._vectors = nets, profiles, vectors
        self._scorer = Scorer(nets, profiles, vectors)
        encoder = nets.encoder
        read = encoder.columns is not None or encoder.texts or encoder.vectors
        cold = self.config.attributes and read
        self.capabilities = _ALWAYS_CAN | ({"cold_items"} if cold else set())

    def _chosen(self, held: HeldOut, trusting: Callable[[float], None]) -> float:
        """RankNet's trust that is best on what was held out; 0 where it does not help.

        Args:
            held: What is asked.
            trusting: Makes the nets anew, with the trust given.
        """
        best, chosen = held.ndcg(partial(self._scores, ranked=False)), 0.0
        for trust in TRUSTS:
            trusting(trust)
            found = held.ndcg(partial(self._scores, ranked=True))
            if found > best:
                best, chosen = found, trust
        return chosen

    # ------------------------------------------------------------------ continue

    def continue_fit(
        self,
        dataset: Dataset,
        *,
        since: datetime,
        config: RealtimeConfig | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn on from these weights: what is new, and as much of what is old.

        What makes the nets' inputs stays: values of attributes that have a row, the average
        person that profiles are told from, outcomes. A car listed since is placed by its
        attributes; its id begins at zero and learns. Adam starts afresh, at `continue_rate` of
        its rate, for `continue_epochs`: a release keeps weights, not an optimiser's state. The
        weights are others, so the space is another: items are embedded anew.

        Raises:
            BundleError: The nets were not written by this version.
            DataError: As in the base class.
            ConfigError: Likewise.
        """
        require("torch", extra="train")
        require("onnx", extra="train")
        from palate.models.nets.realtime_continue import learned_on
        from palate.models.nets.realtime_fit import Course

        nets, config = self.nets, self.config if config is None else config
        check_config(self.config, config)
        check_data(nets, dataset)
        events = Events.of(dataset, self._served, outcomes=nets.outcomes)
        learned = lesson(events, config, round(since.timestamp() * 1e6))
        names, layout = dataset.item_vocabulary, nets.layout
        taken = [names.id(row) for row in np.unique(events.histories.items[learned.new]).tolist()]
        encoder = nets.encoder.with_ids(taken)
        evidence = None if layout is None else evidence_of(dataset, layout.definition)
        profiles = Profiles(layout, evidence)
        folder = None if self.folder is None else self.folder / "further"
        course = Course.over(dataset, events, profiles, encoder, config, folder, progress)
        made = self._made(learned_on(course, nets, learned), course, dataset)
        before = self.vocabulary.rows(names.series)
        self._known = np.where(before >= 0, self._known[before], np.False_)
        self._known[events.histories.items[learned.new]] = True
        counts = np.bincount(distinct_items(dataset.histories), minlength=dataset.n_items)
        self._popularity = counts.astype(np.float32)
        self.config, self._vocabulary, self._dataset = config, names, dataset
        self._take(*made)
        return self

    # ------------------------------------------------------------------ items

    def with_items(self, dataset: Dataset) -> Self:
        """Know the items of `dataset` from now on, and take its histories; nothing is learned.

        Args:
            dataset: Items with the attributes that the model was trained on.
        """
        vocabulary, counts, known = self.vocabulary, self.popularity, self._known
        layout = self._nets.layout
        evidence = None if layout is None else evidence_of(dataset, layout.definition)
        profiles = Profiles(layout, evidence)
        items = dataset.item_vocabulary
        rows = self._nets.encoder.encode_frame(items.ids, dataset.items_by_row)
        vectors = self._nets.embed_rows(rows)
        before = vocabulary.rows(items.series)
        self._popularity = np.where(before >= 0, counts[before], 0).astype(np.float32)
        self._known = np.where(before >= 0, known[before], np.False_)
        self._vocabulary, self._dataset = items, dataset
        self._take(self._nets, profiles, vectors)
        return self

    # ------------------------------------------------------------------ answers

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) float32; 0 throughout where a history holds nothing liked."""
        scores = self._scores(histories.as_known_last(), ranked=self._rank_weight > 0)
        liked = np.concatenate(([0], np.cumsum(histories.values > 0)))
        scores[liked[histories.indptr[1:]] == liked[histories.indptr[:-1]]] = 0
        return scores

    def fault(self, histories: Histories) -> str | None:
        """What is wrong with RankNet's answers, which a surface ranks by; None for nothing.

        The gate asks: `score_histories` may not need RankNet.
        """
        users = self._scorer.users(histories.as_known_last())
        return rank_fault(self._nets, users, self._vectors, histories)

    def _scores(self, histories: Histories, *, ranked: bool) -> Float32Array:
        head = self.config.candidates if ranked else 0
        scores = self._scorer.scores(histories, ranked=head)
        if "cold_items" not in self.capabilities and not self._known.all():
            scores[:, ~self._known] = scores.min(axis=1, keepdims=True)
        return scores

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        return alike(self._vectors, items)

    # ------------------------------------------------------------------ files

    def _state(self) -> dict[str, np.ndarray]:
        evidence = self._profiles.evidence
        return {
            **stored.nets_arrays(self._nets),
            **stored.evidence_arrays(None if evidence is None else evidence.head(len(self._known))),
            "known": self._known,
            "vectors": self._vectors,
            "rank_weight": np.array([self._rank_weight]),
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        nets = stored.nets_from(state)
        evidence = stored.evidence_from(state)
        self._known, self._rank_weight = state["known"], float(state["rank_weight"][0])
        vectors = state["vectors"]
        if vectors.shape != (len(self._known), nets.dimension):
            raise ValueError(f"vectors are {vectors.shape}")
        if (evidence is None) != (nets.layout is None):
            raise ValueError("evidence and layout do not belong together")
        self._take(nets, Profiles(nets.layout, evidence), vectors)
