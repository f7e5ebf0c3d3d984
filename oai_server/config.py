"""The settings of one installation: ``config.toml`` in its folder, or the environment, in one checked object.

``OAI_`` and the key in capitals overrides the file; lists are separated by commas there. An unknown or ill-typed key is
an error that names it and the nearest right one.
"""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from metadata_formats import about
from metadata_formats.spelling import nearest
from oai_server.protocol.descriptions import Branding, OfRepository, RightsManifest, is_mail_address

CONFIG = "config.toml"
SECRET = "secret_key"  # noqa: S105 - the name of the file, not the secret
DATABASE = "repository.sqlite"
DEFAULT_FORMATS = ("oai_dc", "mods")

_DOMAIN = re.compile(r"[a-zA-Z][a-zA-Z0-9\-]*(\.[a-zA-Z][a-zA-Z0-9\-]+)+")
_SETSPEC = re.compile(r"[A-Za-z0-9\-_.!~*'()]+(:[A-Za-z0-9\-_.!~*'()]+)*")


class ConfigError(Exception):
    """Settings that cannot be used; the text says which, where and what to do."""


class Source(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How one source is read: the defaults of ``oai-server import --source NAME`` and ``harvest --source NAME``.

    ``identifiers`` says whether harvested records keep theirs; ``sweep`` whether to look for what is no longer listed
    without being told that it is deleted.
    """

    reader: str | None = None
    profile: str | None = None
    id_prefix: str = ""
    mode: Literal["update", "full", "delete"] = "update"
    identifiers: Literal["source", "own"] = "source"
    sweep: bool | None = None


class SetSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What ListSets says of a set, which records it takes in by rule, and whether it shows what has left it."""

    name: str | None = None
    description: str | None = None
    where: str | None = None
    tombstones: bool = False
    rights_manifest: RightsManifest | None = None
    branding: Branding | None = None

    @property
    def descriptions(self) -> list[bytes]:
        """What it says of itself, beside its description."""
        return [one.to_xml() for one in (self.rights_manifest, self.branding) if one is not None]


Positive = Annotated[int, Meta(ge=1)]


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All settings, with their defaults. Sizes are counts or bytes, as named; ``token_days`` are days."""

    repository_name: str = "An OAI-PMH repository"
    base_url: str = "http://127.0.0.1:8000/oai"
    admin_emails: Annotated[list[str], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["admin@archive.example.org"]
    )
    domain: str = "archive.example.org"
    database_url: str = ""
    replica_urls: list[str] = []
    secret_key: str | list[str] = ""
    page_size: Annotated[int, Meta(ge=1, le=10_000)] = 250
    identifiers_page_size: Annotated[int, Meta(ge=1, le=50_000)] = 500
    page_bytes: Annotated[int, Meta(ge=1024)] = 8 * 1024 * 1024
    token_days: Annotated[float, Meta(ge=1, le=3650)] = 7
    formats: list[str] | dict[str, dict[str, Any]] = msgspec.field(default_factory=lambda: list(DEFAULT_FORMATS))
    about: list[str] = msgspec.field(default_factory=lambda: ["provenance"])
    deleted_record: Literal["persistent", "transient"] = "persistent"
    bind: str = "127.0.0.1:8000"
    workers: Positive = 2
    threads: Positive = 32
    compression: Literal["none", "zstd"] = "none"
    jobs: Annotated[int, Meta(ge=0)] = 0
    busy_share: Annotated[float, Meta(gt=0, le=1)] = 0.9
    rate_limit: str = ""
    rate_storage: str = "memory://"
    trusted_proxies: Annotated[int, Meta(ge=0, le=10)] = 0
    schemas: str = ""
    sources: dict[str, Source] = {}
    sets: dict[str, SetSettings] = {}
    description: OfRepository = msgspec.field(default_factory=OfRepository)

    @property
    def prefixes(self) -> list[str]:
        """The metadataPrefixes to offer, in order."""
        if isinstance(self.formats, list):
            return self.formats
        named = [prefix for prefix, options in self.formats.items() if options.get("enabled", True)]
        left_out = set(self.formats) - set(named)
        return [prefix for prefix in dict.fromkeys([*DEFAULT_FORMATS, *named]) if prefix not in left_out]

    def format_options(self, prefix: str) -> dict[str, Any]:
        """Return the options of one format, as ``[formats.PREFIX]`` gives them."""
        options = self.formats.get(prefix, {}) if isinstance(self.formats, dict) else {}
        return {key: value for key, value in options.items() if key not in ("enabled", "plugin")}

    @property
    def plugins(self) -> dict[str, str]:
        """Which of several formats of one prefix is meant, by prefix."""
        tables = self.formats if isinstance(self.formats, dict) else {}
        return {prefix: options["plugin"] for prefix, options in tables.items() if "plugin" in options}

    @property
    def keys(self) -> list[str]:
        """The secret keys, newest first."""
        return [self.secret_key] if isinstance(self.secret_key, str) else self.secret_key


FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
TABLES = frozenset({"sources", "sets", "description"})
_DEFAULTS = Settings()


def folder(named: str | os.PathLike[str] | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the instance folder: as named, else ``$OAI_INSTANCE``, else ``./instance``."""
    return Path(named or environment.get("OAI_INSTANCE") or "instance")


def load(instance: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of an instance folder; a folder without ``config.toml`` has defaults and the environment.

    Raises:
        ConfigError: a file that is no TOML, an unknown key, a value of the wrong type or form.
    """
    path = instance / CONFIG
    values: dict[str, Any] = {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        pass
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    origin = dict.fromkeys(values, str(path))
    for key in FIELDS.keys() - TABLES:
        variable = f"OAI_{key.upper()}"
        if variable in environment:
            values[key] = _from_environment(key, environment[variable], values.get(key))
            origin[key] = variable
    for key in values:
        if key not in FIELDS:
            raise ConfigError(f"{origin[key]}: unknown setting {key!r}{nearest(key, FIELDS)}")
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(_readable(error, origin, path)) from error
    _check(settings, origin, path)
    if not settings.database_url:
        settings.database_url = f"sqlite:///{(instance / DATABASE).absolute()}"
    if not settings.secret_key:
        settings.secret_key = _stored_secret(instance)
    return settings


def make_secret(instance: Path) -> None:
    """Create the secret key of an installation, readable by its owner alone, unless there is one."""
    path = instance / SECRET
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")


def _stored_secret(instance: Path) -> list[str]:
    try:
        return (instance / SECRET).read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the secret key {instance / SECRET} cannot be read: {error}") from error


def _from_environment(key: str, text: str, in_file: Any) -> Any:
    """Read a value from the environment by the type of its setting."""
    default = getattr(_DEFAULTS, key)
    if isinstance(default, list):
        listed = [item.strip() for item in text.split(",") if item.strip()]
        # The list chooses among formats; options that the file gives in tables stay.
        if key == "formats" and isinstance(in_file, dict):
            offered = {*listed, "oai_dc"}
            return {name: in_file.get(name, {}) | {"enabled": name in offered} for name in [*listed, *in_file]}
        return listed
    if key == "secret_key":
        return [item.strip() for item in text.split(",") if item.strip()]
    if isinstance(default, (int, float)):
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def _readable(error: Exception, origin: Mapping[str, str], path: Path) -> str:
    text, found, where = str(error).rpartition(" - at `$")
    where = where.rstrip("`").lstrip(".")
    if not found:
        return f"{path}: {error}"
    key = re.split(r"[.\[]", where)[0]
    unknown = re.search(r"unknown field `(\w+)`", text)
    if unknown:
        names = _keys(where)
        return f"{origin.get(key, path)}: unknown setting {unknown[1]!r} in [{where}]{nearest(unknown[1], names)}"
    missing = re.search(r"missing required field `(\w+)`", text)
    if missing:
        return f"{origin.get(key, path)}: the setting {missing[1]!r} is missing in [{where}]"
    return f"{origin.get(key, path)}: {where}: {text}"


def _keys(where: str) -> list[str]:
    """Return the keys that the table at a path has, as ``sets[...].branding``."""
    table: Any = Settings
    for key in re.findall(r"(?:^|\.)(\w+)", where):
        table = _table(next(field.type for field in msgspec.structs.fields(table) if field.name == key))
    return [field.name for field in msgspec.structs.fields(table)]


def _table(kind: Any) -> Any:
    """Return the table in a type: that of ``list[Source]``, ``dict[str, Source]`` and ``Source | None`` is Source."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next(filter(None, map(_table, get_args(kind))), None)


def _check(settings: Settings, origin: Mapping[str, str], path: Path) -> None:
    """Refuse what OAI-PMH or a harvester would trip over."""

    def refuse(key: str, message: str) -> None:
        raise ConfigError(f"{origin.get(key, path)}: {key}: {message}")

    url = urlsplit(settings.base_url)
    if url.scheme not in ("http", "https") or not url.netloc or url.query or url.fragment:
        refuse("base_url", f"{settings.base_url!r} is not an address like https://archive.example.org/oai")
    if not _DOMAIN.fullmatch(settings.domain):
        refuse("domain", f"{settings.domain!r} is not a domain name like archive.example.org")
    for email in settings.admin_emails:
        if not is_mail_address(email):
            refuse("admin_emails", f"{email!r} is not a bare mail address like admin@archive.example.org")
    for key in settings.keys:
        if len(key) < 16 and key:
            refuse("secret_key", "a key needs 16 characters or more")
    if settings.replica_urls and not settings.database_url.startswith("postgresql"):
        refuse("replica_urls", "only a PostgreSQL database has replicas; set database_url to their primary")
    for address in settings.replica_urls:
        if not address.startswith("postgresql"):
            refuse(
                "replica_urls", f"{address!r} is not an address like postgresql+psycopg://user:password@host/database"
            )
    for name in settings.about:
        if name not in about.NAMES:
            refuse("about", f"there is no container {name!r}{nearest(name, about.NAMES)}")
    for spec in settings.sets:
        if not _SETSPEC.fullmatch(spec):
            refuse("sets", f"{spec!r} is not a setSpec: letters, digits and -_.!~*'() in parts joined by colons")
    for prefix, options in settings.formats.items() if isinstance(settings.formats, dict) else ():
        if not isinstance(options.get("enabled", True), bool):
            refuse("formats", f"[formats.{prefix}] enabled: it is true or false")
        if not isinstance(options.get("plugin", ""), str):
            refuse("formats", f"[formats.{prefix}] plugin: it is the name of a file or a class, as titles.py")
        if prefix == "oai_dc" and not options.get("enabled", True):
            refuse("formats", "oai_dc cannot be left out: OAI-PMH wants every item in it")
    if settings.rate_limit:
        _check_rate(settings, refuse)
    if not settings.repository_name.strip():
        refuse("repository_name", "it is empty")


def _check_rate(settings: Settings, refuse: Callable[[str, str], None]) -> None:
    """Refuse a rate that is none, and a place to count in that cannot be used."""
    from limits import parse_many  # a third of a second that only who sets a rate need wait for

    try:
        parse_many(settings.rate_limit)
    except ValueError:
        refuse("rate_limit", f"{settings.rate_limit!r} is not a rate like '600/minute'")
    scheme = urlsplit(settings.rate_storage).scheme
    if scheme not in ("memory", "redis", "rediss"):
        refuse("rate_storage", f"{settings.rate_storage!r} is not memory:// or an address like redis://host:6379/0")
    if scheme != "memory" and find_spec("redis") is None:
        refuse("rate_storage", "Redis needs the package redis: pip install 'oai-server[redis]'")


def commented() -> str:
    """Return the text of a new ``config.toml``: every setting with its default, commented out."""
    return (Path(__file__).parent / "config.example.toml").read_text(encoding="utf-8")
