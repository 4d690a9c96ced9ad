"""Settings: precedence, clear errors, and a heading in the docs for each."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from palate.config import Attribute, EventType, Schema, Settings, load_settings
from palate.errors import ConfigError
from palate.serve.child import Boot
from palate.types import AttributeKind

DOCS = Path(__file__).resolve().parents[1] / "docs" / "settings.md"


def write(text: str) -> Path:
    path = Path("palate.toml")
    path.write_text(text)
    return path


def test_defaults_without_a_file() -> None:
    settings = load_settings()
    assert settings.serve.port == 8080
    assert settings.home == Path(".palate").resolve()


def test_flag_beats_environment_beats_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[serve]\nport = 1001\nworkers = 3\nmax_k = 7\n")
    monkeypatch.setenv("PALATE_SERVE__PORT", "1002")
    monkeypatch.setenv("PALATE_SERVE__WORKERS", "4")
    settings = load_settings(overrides={"serve": {"port": 1003}})
    assert (settings.serve.port, settings.serve.workers, settings.serve.max_k) == (1003, 4, 7)


def test_schema_comes_from_the_tables() -> None:
    write(
        '[events.rating]\nweight = 2.0\nvalue = "multiply"\n'
        '[items.price]\nkind = "number"\nscale = "log"\n'
    )
    schema = load_settings().schema_
    assert schema == Schema(
        events={"rating": EventType(weight=2.0, value="multiply")},
        items={"price": Attribute(kind=AttributeKind.NUMBER, scale="log")},
    )
    assert schema.event_type("never declared") == EventType()


def test_home_is_relative_to_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "palate.toml").write_text('home = "state"\n')
    assert load_settings(folder / "palate.toml").home == folder / "state"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[serve]\nprot = 1\n", "serve.prot"),
        ("[serve]\nport = 70000\n", "serve.port"),
        ("[items.colour]\nkind = 'shade'\n", "items.colour.kind"),
    ],
)
def test_a_wrong_setting_is_named(text: str, names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        load_settings(write(text))


def test_broken_toml_is_named() -> None:
    with pytest.raises(ConfigError, match=r"palate\.toml is not valid TOML"):
        load_settings(write("[serve\n"))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no settings file at nowhere\.toml"):
        load_settings(Path("nowhere.toml"))


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().home = Path("/elsewhere")  # type: ignore[misc]


SECRET = "redis://me:tops3cret@cache:6379/0"


def test_the_stores_address_is_kept_secret_and_travels_to_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PALATE_STORE__URL", SECRET)
    settings = load_settings(write('[store]\nurl = "redis://elsewhere"\nnamespace = "shop"\n'))
    assert settings.store.url is not None
    assert settings.store.url.get_secret_value() == SECRET
    assert settings.store.namespace == "shop"
    for shown in (repr(settings), str(settings), str(settings.model_dump())):
        assert "tops3cret" not in shown
    boot = Boot(name="worker-0", settings=settings.model_dump_json(), report_fd=0)
    assert boot.open_settings().store == settings.store


@pytest.mark.parametrize(
    "text",
    [
        'url = "redis://:tops3cret@cache:port/0"',
        'url = "tops3cret"',
        f'url = "{SECRET}"\nnamespace = "a{{b"',
        'url = "http://x"',
    ],
)
def test_an_impossible_store_is_named_without_its_address(text: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.(url|namespace)") as caught:
        load_settings(write(f"[store]\n{text}\n"))
    assert "tops3cret" not in str(caught.value)


def leaves(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += leaves(kind, f"{prefix}{name}.")
        else:
            names.append(f"{prefix}{name}")
    return names


def test_every_setting_is_documented() -> None:
    text = DOCS.read_text()
    per_name: dict[str, type[BaseModel]] = {"events.NAME": EventType, "items.NAME": Attribute}
    wanted = leaves(Settings) + [f"{at}.{n}" for at, m in per_name.items() for n in m.model_fields]
    assert [name for name in wanted if f"`{name}`" not in text] == []
