"""`palate tune`: search a model's hyperparameters, on a validation part cut from training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palate.cli.apps import command_app
from palate.cli.judging import K, Seed, Split, TestRatio, protocol_flags
from palate.cli.layout import table
from palate.cli.model_options import build_model
from palate.cli.session import session_of
from palate.cli.workspace import Workspace

if TYPE_CHECKING:
    from palate.evaluate.comparison import Comparison
    from palate.evaluate.tune import Tuning

__all__ = ["app", "tune"]

app = command_app()


@app.command()
def tune(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="Of the settings, or an installed one.")],
    *,
    trials: Annotated[int, typer.Option(min=1, help="Configurations to try.")] = 20,
    metric: Annotated[
        str | None, typer.Option(help="To maximise; the protocol's main one by default.")
    ] = None,
    split: Split = None,
    test_ratio: TestRatio = None,
    k: K = None,
    seed: Seed = None,
) -> None:
    """Search MODEL's hyperparameters.

    The search sees a validation part cut from the training part. The test part is looked at
    once, after the search, to compare the best configuration with the default one.
    """
    session = session_of(ctx)
    settings = session.settings_with(protocol_flags(split, test_ratio, k, seed))
    model_class = type(build_model(model, settings))
    from palate.evaluate.compare import compare
    from palate.evaluate.protocol import Protocol
    from palate.evaluate.tune import tune as search

    workspace = Workspace(settings)
    protocol = Protocol.from_settings(settings.evaluate)
    with session.terminal.progress() as progress:
        dataset = workspace.dataset(progress)
        assert protocol.split is not None  # settings always name one
        parts = protocol.split.split(dataset)
        tuning = search(
            model_class,
            parts.train,
            trials=trials,
            seed=settings.evaluate.seed,
            protocol=protocol,
            metric=metric,
            progress=progress,
        )
        contestants = {"default": model_class(), "tuned": model_class(tuning.best)}
        comparison = compare(contestants, parts, protocol, progress=progress)
    workspace.record(comparison)
    session.terminal.answer(_data(model, tuning, comparison), _text(model, tuning, comparison))


def _data(model: str, tuning: Tuning, comparison: Comparison) -> dict[str, Any]:
    return {
        "model": model,
        "metric": tuning.metric,
        "best": tuning.best.model_dump(mode="json"),
        "trials": [{**row, "config": json.loads(row["config"])} for row in _rows(tuning)],
        "test": json.loads(comparison.to_json()),
    }


def _rows(tuning: Tuning) -> list[dict[str, Any]]:
    return list(tuning.to_frame().iter_rows(named=True))


def _text(model: str, tuning: Tuning, comparison: Comparison) -> str:
    shown = [
        [row["number"], row["quality"], row["low"], row["high"], row["fit_s"], row["error"]
         or _short(json.loads(row["config"]), tuning)]
        for row in _rows(tuning)[:10]
    ]  # fmt: skip
    headers = ["trial", tuning.metric, "low", "high", "fit s", "config"]
    return "\n\n".join(
        [
            f"on the validation part, best first\n{table(headers, shown, widest=70)}",
            f"on the test part, which the search never saw\n{comparison.to_markdown().rstrip()}",
            f"for palate.toml\n{_toml(model, tuning)}",
        ]
    )


def _short(config: dict[str, Any], tuning: Tuning) -> str:
    searched = type(tuning.best).space
    return " ".join(f"{name}={_brief(config[name])}" for name in searched if name in config)


def _brief(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _toml(model: str, tuning: Tuning) -> str:
    defaults = type(tuning.best)().model_dump(mode="json")
    chosen = tuning.best.model_dump(mode="json")
    changed = {name: value for name, value in chosen.items() if value != defaults[name]}
    lines = [f"[models.{model}]"]
    if model != tuning.model:
        lines.append(f'model = "{tuning.model}"')
    # JSON's way to write texts, numbers, booleans and lists is TOML's too; null has none.
    lines += [f"{n} = {json.dumps(v)}" for n, v in changed.items() if v is not None]
    return "\n".join(lines)
