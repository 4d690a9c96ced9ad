"""Settings: `palate.toml`, overridden by the environment, overridden by flags; frozen."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from palate.errors import ConfigError
from palate.types import AttributeKind

__all__ = [
    "Attribute",
    "EvaluateSettings",
    "EventType",
    "LogSettings",
    "ObserveSettings",
    "PrivacySettings",
    "ProfileSettings",
    "Schema",
    "ServeSettings",
    "Settings",
    "StoreSettings",
    "load_settings",
]

SETTINGS_FILE = "palate.toml"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EventType(_Frozen):
    """How much one event of this type says about a taste: `[events.NAME]`."""

    weight: float = Field(default=1.0, description="Worth of one event; negative for dislikes.")
    value: Literal["ignore", "multiply"] = Field(
        default="ignore",
        description="`multiply`: the event's value (a rating, seconds) multiplies the weight.",
    )


class Attribute(_Frozen):
    """What a declared attribute holds: `[items.NAME]` or `[users.NAME]`."""

    kind: AttributeKind
    scale: Literal["linear", "log"] = Field(
        default="linear", description="For numbers: `log` for prices, mileages, counts."
    )
    separator: str | None = Field(
        default=None, description="For categories read from text files: how values are split."
    )
    size: int | None = Field(
        default=None, ge=1, le=4096, description="For vectors: how many numbers."
    )

    @model_validator(mode="after")
    def _vectors_have_a_size(self) -> Self:
        if (self.kind is AttributeKind.VECTOR) != (self.size is not None):
            raise ValueError('kind = "vector" and size go together')
        return self


class Schema(_Frozen):
    """What the data mean: event types and typed attributes. Travels with a dataset."""

    events: dict[str, EventType] = Field(default_factory=dict)
    items: dict[str, Attribute] = Field(default_factory=dict)
    users: dict[str, Attribute] = Field(default_factory=dict)

    def event_type(self, event: str) -> EventType:
        """The declared type, or weight 1 for an event that the settings do not name."""
        return self.events.get(event, EventType())


class LogSettings(_Frozen):
    """The event log: `[log]`."""

    durability: Literal["process", "power"] = Field(
        default="process",
        description="`process` survives kill -9; `power` also survives a power cut.",
    )
    dedup_window_s: int = Field(default=7 * 86400, ge=0, description="Seconds.")
    retention_days: float = Field(
        default=0.0,
        ge=0,
        description="What people did is dropped so long after it was received, once every "
        "consumer group has read it; 0 keeps it for ever.",
    )
    versions_days: float = Field(
        default=30.0,
        ge=0,
        description="An older version of an item or user is dropped so long after it was replaced.",
    )
    tombstones_days: float = Field(
        default=90.0,
        ge=0,
        description="`item.deleted` is dropped so long after it was received, where what people "
        "did then was dropped too.",
    )
    dead_letters_max: int = Field(
        default=100_000, ge=0, description="Refused events kept; the oldest go first."
    )
    dead_letters_max_bytes: int = Field(
        default=64 << 20, ge=0, description="Bytes of refused events kept; the oldest go first."
    )
    served: bool = Field(
        default=True, description="Log every slate: items, scores, propensities, release."
    )


class StoreSettings(_Frozen):
    """Where the state and the pointers live: `[store]`; without a URL in files below `home`."""

    url: SecretStr | None = Field(
        default=None,
        description="A Redis or Valkey server: redis://HOST:PORT/0, rediss://, unix:///PATH.",
    )
    namespace: str = Field(
        default="palate",
        pattern=r"^[^{}\s]+$",
        description="Before the names of its keys; two homes on one server differ in it.",
    )
    timeout_s: float = Field(
        default=0.5, gt=0, description="A read that takes longer fails; a write may take 20 times."
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url.get_secret_value())
            known = parts.scheme in ("redis", "rediss", "unix") and parts.port != 0
        except ValueError:  # no port can be so; what was given is not repeated
            known = False
        if not known:
            raise ValueError("write redis://HOST:PORT/0, rediss://HOST:PORT/0 or unix:///PATH")
        return url

    @field_serializer("url", when_used="json")
    def _told_to_children(self, url: SecretStr | None) -> str | None:
        """Settings go to the service's processes as JSON, through a pipe."""
        return None if url is None else url.get_secret_value()


class ServeSettings(_Frozen):
    """The HTTP service: `[serve]`."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    workers: int = Field(default=2, ge=1, le=256)
    history_limit: int = Field(
        default=500, ge=1, le=100_000, description="Most recent events kept per user."
    )
    max_k: int = Field(default=1000, ge=1, description="Largest slate that may be asked for.")
    max_batch: int = Field(default=1000, ge=1, description="Most events in one POST.")
    max_body_bytes: int = Field(default=1 << 20, ge=1024)
    alias: str = Field(default="stable", description="The release alias that is followed.")
    poll_s: float = Field(default=0.25, gt=0, description="How often the alias is looked at.")
    start_timeout_s: float = Field(
        default=600.0, gt=0, description="Until a process is ready; then it is started anew."
    )
    drain_notice_s: float = Field(
        default=0.0, ge=0, description="Answering on while /readyz says 503, before the end."
    )
    drain_timeout_s: float = Field(
        default=10.0, gt=0, description="For requests under way at the end; then they are cut."
    )


class ObserveSettings(_Frozen):
    """What the service tells of itself: `[observe]`."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`auto`: text on a terminal, JSON elsewhere."
    )
    log_requests: Literal["all", "failed", "none"] = Field(
        default="all", description="`failed`: those that end with a status from 500."
    )
    otlp_endpoint: str | None = Field(
        default=None, description="Traces go there: http://localhost:4318; needs palate[otel]."
    )
    trace_share: float = Field(
        default=0.1, ge=0, le=1, description="Of requests whose caller has not decided."
    )


class PrivacySettings(_Frozen):
    """Forgetting people: `[privacy]`."""

    erase_within_days: float = Field(
        default=30.0,
        gt=0,
        description="So long after a person is erased, no file holds a byte about them.",
    )


class ProfileSettings(_Frozen):
    """What is kept of people's preferences: `[profile]`; without the table, nothing."""

    attributes: tuple[str, ...] | None = Field(
        default=None,
        description="Of items; by default all declared ones that are categories or numbers.",
    )
    half_life_days: float = Field(
        default=30.0, gt=0, description="An event counts half as much after so many days."
    )
    prior_people: int = Field(
        default=2000, ge=1, description="The average is learned from so many people."
    )
    prior_hours: float = Field(
        default=24.0, gt=0, description="The average is learned again after so many hours."
    )


class EvaluateSettings(_Frozen):
    """The default protocol: `[evaluate]`; `palate.evaluate.protocol` says what each field means."""

    split: str = "stratified"
    test_ratio: float = Field(default=0.25, gt=0, lt=1)
    k: int = Field(default=10, ge=1)
    seed: int = 42


class Settings(BaseSettings):
    """All settings. `surfaces`, `models`, `retrieval` are checked by the packages that own them."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="PALATE_",
        env_nested_delimiter="__",
        toml_file=SETTINGS_FILE,
    )

    home: Path = Field(default=Path(".palate"), description="Where Palate keeps its files.")
    events: dict[str, EventType] = Field(default_factory=dict)
    items: dict[str, Attribute] = Field(default_factory=dict)
    users: dict[str, Attribute] = Field(default_factory=dict)
    log: LogSettings = LogSettings()
    store: StoreSettings = StoreSettings()
    serve: ServeSettings = ServeSettings()
    privacy: PrivacySettings = PrivacySettings()
    observe: ObserveSettings = ObserveSettings()
    profile: ProfileSettings | None = None
    evaluate: EvaluateSettings = EvaluateSettings()
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)
    surfaces: dict[str, dict[str, Any]] = Field(default_factory=dict)
    retrieval: dict[str, Any] = Field(default_factory=dict)
    data: Path | None = Field(default=None, description="Local copies of public data sets.")

    @property
    def schema_(self) -> Schema:
        """The part of the settings that travels with a dataset."""
        # Its parts were checked with the settings, and every event that is taken asks for it.
        return Schema.model_construct(events=self.events, items=self.items, users=self.users)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(path: Path | None = None, overrides: dict[str, Any] | None = None) -> Settings:
    """Read the settings file (default `palate.toml` here, if there is one), then override.

    Args:
        path: A settings file; must exist when given.
        overrides: Values of flags, nested like the file: `{"serve": {"port": 9000}}`.

    Raises:
        ConfigError: The file is missing, is not TOML, or has an unknown or impossible value.
    """
    if path is not None and not path.is_file():
        raise ConfigError(f"no settings file at {path}", hint="palate init writes one")
    file = path if path is not None else Path(SETTINGS_FILE)
    located = type("LocatedSettings", (Settings,), {"model_config": {"toml_file": file}})
    try:
        settings: Settings = located(**(overrides or {}))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()
        )
        raise ConfigError(f"settings: {problems}", hint=f"correct {file} or the flag") from error
    if not settings.home.is_absolute():
        settings = settings.model_copy(update={"home": (file.parent / settings.home).resolve()})
    return settings
