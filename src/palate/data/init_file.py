"""The commented `palate.toml` that `palate init` writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from shlex import quote
from typing import Any, Final

from pydantic import BaseModel

from palate.config import Attribute, EventType, Schema, Settings
from palate.data.infer import Guess, Inferred

__all__ = ["render", "render_schema"]

SECTIONS: Final = ("log", "serve", "evaluate")
WIDTH: Final = 34  # column at which comments start


def render(inferred: Inferred) -> str:
    """TOML that `load_settings` reads: guesses as settings, defaults as comments.

    Args:
        inferred: From `infer`.
    """
    blocks = [
        _head(inferred),
        "\n".join(_defaults(Settings, leave_out=_tables(Settings))),
        "# What people do. An event type that is not named here weighs 1.",
        *(_event(name, kind, inferred) for name, kind in inferred.schema.events.items()),
    ]
    if not inferred.schema.events:
        blocks.append("# [events.click]\n# weight = 1.0")
    for table in ("items", "users"):
        attributes = getattr(inferred.schema, table)
        blocks.append(
            f"# What is known of {table}; a kind is category, categories, number, text, image "
            "or time."
        )
        reasons = {g.column: g for g in inferred.guesses if g.table == table}
        blocks.extend(_attribute(table, n, a, reasons.get(n)) for n, a in attributes.items())
        blocks.extend(_left_out(table, g) for g in reasons.values() if g.meaning == "left out")
        if not attributes:
            blocks.append(f'# [{table}.title]\n# kind = "text"')
    for section in SECTIONS:
        model = Settings.model_fields[section].annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        blocks.append("\n".join([f"[{section}]", *_defaults(model, leave_out=set())]))
    return "\n\n".join(blocks) + "\n"


def render_schema(schema: Schema) -> str:
    """The same for a schema that is known, as that of a public data set."""
    return render(Inferred({}, None, None, schema, ()))


def _head(inferred: Inferred) -> str:
    lines = [
        "# palate.toml: what your data mean, and how Palate runs. Written by Palate from a look",
        "# at the data; correct what is wrong. Lines that start with # show defaults.",
    ]
    used = [g for g in inferred.guesses if g.table == "interactions"]
    if used:
        lines += ["#", "# Columns of the interactions:"]
        lines += [_comment(f"#   {g.meaning:<10} {g.column}   ({g.reason})") for g in used]
    if inferred.files:
        lines += ["#", "# To import them:", _comment(f"#   {_command(inferred)}")]
    return "\n".join(lines)


def _command(inferred: Inferred) -> str:
    parts = ["palate import", quote(str(inferred.files["interactions"]))]
    for option, key, canonical in (
        ("items", inferred.item_key, "item_id"),
        ("users", inferred.user_key, "user_id"),
    ):
        if option in inferred.files:
            named = f"  # id column: {key}" if key != canonical else ""
            parts.append(f"--{option} {quote(str(inferred.files[option]))}{named}")
    renamed = [f"{ours}={theirs}" for ours, theirs in inferred.columns.items() if ours != theirs]
    if renamed:
        parts.insert(2, f"--columns {','.join(renamed)}")
    return " ".join(parts)


def _event(name: str, kind: EventType, inferred: Inferred) -> str:
    weight = _line("weight", kind.weight, EventType.model_fields["weight"].description)
    column = inferred.columns.get("value", "value")
    why = f"the {column} multiplies the weight" if kind.value == "multiply" else "or multiply"
    return "\n".join([f"[events.{_key(name)}]", weight, _line("value", kind.value, why)])


def _attribute(table: str, name: str, attribute: Attribute, guess: Guess | None) -> str:
    reason = None if guess is None else guess.reason
    lines = [f"[{table}.{_key(name)}]", _line("kind", attribute.kind.value, reason)]
    if attribute.scale != "linear":
        lines.append(_line("scale", attribute.scale, "for prices, mileages, counts"))
    if attribute.separator is not None:
        lines.append(_line("separator", attribute.separator, "between values in text files"))
    if attribute.size is not None:
        lines.append(_line("size", attribute.size, "numbers of the vector"))
    return "\n".join(lines)


def _left_out(table: str, guess: Guess) -> str:
    return _comment(f"# {table}.{_key(guess.column)} is left out: {guess.reason}")


def _tables(model: type[BaseModel]) -> set[str]:
    """Fields that are tables of their own, not plain keys."""
    plain = {"home", "data"}
    return set(model.model_fields) - plain


def _defaults(model: type[BaseModel], *, leave_out: set[str]) -> list[str]:
    lines = []
    for name, field in model.model_fields.items():
        if name not in leave_out:
            default = field.get_default(call_default_factory=True)
            shown = "..." if default is None else default
            lines.append(f"# {_line(name, shown, field.description)}")
    return lines


def _line(name: str, value: Any, comment: str | None) -> str:
    setting = f"{name} = {_value(value)}"
    return _comment(f"{setting:<{WIDTH}}# {comment}") if comment else setting


def _value(value: Any) -> str:
    if isinstance(value, Path):
        value = value.as_posix()
    if isinstance(value, tuple):
        value = list(value)
    return _quoted(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(value: Any) -> str:
    """JSON is TOML here, but for the one control character that JSON lets stand."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(line: str) -> str:
    """One line, whatever a file's column was called."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", line)
