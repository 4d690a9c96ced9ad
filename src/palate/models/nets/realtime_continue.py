"""The three nets learn on: weights back from their graphs, rows for new ids, a few epochs."""

from __future__ import annotations

from dataclasses import replace

from palate.models.nets.realtime import RealtimeNet
from palate.models.nets.realtime_export import graphs_of
from palate.models.nets.realtime_fit import Course, learn, sizes_of
from palate.models.nets.realtime_weights import restore, take_ids
from palate.models.realtime.files import GRAPHS
from palate.models.realtime.further import Lesson
from palate.models.realtime.nets import Nets
from palate.train.seeds import seeded

__all__ = ["learned_on", "restored"]


def learned_on(course: Course, nets: Nets, lesson: Lesson) -> dict[str, bytes]:
    """The graphs of nets that began as `nets` and learned `lesson`.

    Args:
        course: Its encoder may know more ids than that of the nets, and differs in nothing else.
        nets: As they were released.
        lesson: Which of the course's events are learned from.

    Raises:
        BundleError: The nets' graphs were not written by this version.
        TrainError: The loss is no number.
    """
    config = course.config
    rate = config.learning_rate * config.continue_rate
    slower = replace(course, config=config.model_copy(update={"learning_rate": rate}))
    net = restored(course, nets)
    if nets.encoder.ids is not None and course.encoder.ids is not None:
        take_ids(net, nets.encoder.ids, course.encoder.ids)
    among = lesson.among(len(course.events))
    net, _ = learn(slower, among, None, config.continue_epochs, start=net)
    return graphs_of(net, n_slots=course.encoder.n_slots)


def restored(course: Course, nets: Nets) -> RealtimeNet:
    """A net with the weights of `nets`, over the ids that they were trained on.

    Raises:
        BundleError: The nets' graphs were not written by this version.
    """
    before = replace(course, encoder=nets.encoder)
    with seeded(course.config.seed):  # what no graph reads is drawn
        net = RealtimeNet(sizes_of(before), course.config)
    parts = nets.files()
    restore(net, {name: parts[name] for name in GRAPHS}, n_slots=nets.encoder.n_slots)
    return net
