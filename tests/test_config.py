"""Settings: file, environment and defaults make one checked object, and a mistake is named with the nearest key."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest

from oai_server import config
from oai_server.config import ConfigError, Settings


def load(folder: Path, text: str = "", **environment: str) -> Settings:
    (folder / config.CONFIG).write_text(text, encoding="utf-8")
    return config.load(folder, {f"OAI_{name.upper()}": value for name, value in environment.items()})


def test_an_empty_folder_has_defaults(tmp_path: Path):
    settings = config.load(tmp_path, {})
    assert settings.database_url == f"sqlite:///{tmp_path}/repository.sqlite"
    assert (settings.page_size, settings.identifiers_page_size, settings.page_bytes) == (250, 500, 8 << 20)
    assert (settings.token_days, settings.keys, settings.prefixes) == (7, [], ["oai_dc", "mods"])


def test_the_commented_file_states_the_defaults(tmp_path: Path):
    lines = config.commented().splitlines()
    text = "\n".join(line[2:] for line in lines if line.startswith("# ") and " = " in line and "[" not in line[:3])
    stated = tomllib.loads(
        "\n".join(line for line in text.splitlines() if line.split(" = ")[0] in config.FIELDS.keys() - config.TABLES)
    )
    assert stated.keys() == config.FIELDS.keys() - config.TABLES
    assert {name: getattr(Settings(), name) for name in stated} == stated
    assert tomllib.loads(config.commented()) == {}


GATEWAY = '[description.gateway]\nsource = "http://x.org"\ndescription = "http://x.org"\n'
RENDERING = '[[description.branding.renderings]]\nurl = "http://x.org"\n'
EPRINTS = '[description.eprints]\ndata_policy = {text = "x"}\n'
REFUSED = {
    'repositry_name = "x"': "repositry_name.*did you mean 'repository_name'",
    "page_sise = 1": "page_sise.*did you mean 'page_size'",
    'page_size = "many"': "page_size",
    "page_size = 0": "page_size",
    "page_size = 1.5": "page_size",
    "page_size = true": "page_size",
    "token_days = 0.5": "token_days",
    "admin_emails = []": "admin_emails",
    'admin_emails = "a@b.org"': "admin_emails",
    'admin_emails = ["mailto:a b@c"]': "admin_emails: .*not a bare mail address",
    'base_url = "example.org/oai"': "base_url",
    'base_url = "http://example.org/oai?x=1"': "base_url",
    'base_url = "http:///oai"': "base_url",
    'domain = "localhost"': "domain",
    'domain = "9a.org"': "domain",
    'secret_key = "short"': "secret_key.*16",
    'secret_key = ["long enough to be a key", "short"]': "secret_key.*16",
    'deleted_record = "no"': "deleted_record",
    "busy_share = 0": "busy_share",
    "busy_share = 1.1": "busy_share",
    'rate_limit = "often"': "rate_limit: 'often' is not a rate like '600/minute'",
    'rate_limit = "6/hour"\nrate_storage = "file:///tmp"': "rate_storage: .*not memory:// or an address like redis://",
    "trusted_proxies = -1": "trusted_proxies",
    'repository_name = " "': "repository_name",
    '[sources.x]\nmodus = "full"': r"modus.*sources.*did you mean 'mode'",
    '[sources.x]\nmode = "all"': r"sources",
    '[sets."a b"]\nname = "x"': "sets.*'a b' is not a setSpec",
    '[sets.a]\nnome = "x"': "nome.*did you mean 'name'",
    'about = ["rigths"]': "about: .*'rigths'; did you mean 'rights'",
    "[description.freinds]\nbase_urls = []": r"'freinds' in \[description\]; did you mean 'friends'",
    '[description.friends]\nbase_url = "x"': r"'base_url' in \[description.friends\]; did you mean 'base_urls'",
    "[description.friends]": r"'base_urls' is missing in \[description.friends\]",
    "[description.friends]\nbase_urls = []": "description.friends.base_urls",
    '[description.friends]\nbase_urls = ["http://a b.org/"]': "base_urls: 'http://a b.org/' is not an address",
    '[description.rights_manifest]\nlicences = ["urn:x"]': "licences: 'urn:x' is not an address",
    '[description.rights_manifest]\nlicences = ["http://x:y/"]': "licences: 'http://x:y/' is not an address",
    "[description.branding]": "branding: icon is missing",
    '[description.branding]\ntitle = "x"': "branding: icon is missing",
    '[description.branding]\nicon = "http://x.org/"\nwidth = 0': "description.branding.width",
    '[description.branding]\nicon = "icon.png"': "icon: 'icon.png' is not an address",
    RENDERING + 'mime = "x"': r"'mime' in \[.*renderings\[0\]\]; did you mean 'mime_type'",
    RENDERING + 'metadata_namespace = "x y"': "'x y' is not a URI",
    RENDERING + 'metadata_namespace = "urn:x"\nmime_type = "xsl"': "'xsl' is not a media type",
    GATEWAY + 'admins = ["x"]': "admins: 'x' is not a bare mail address",
    GATEWAY + 'admins = ["\\u0007@x.org"]': "admins: .* is not a bare mail address",
    EPRINTS + "metadata_policy = {}": "metadata_policy: text or url is missing",
    '[sets.a.branding]\nicn = "x"': r"'icn' in \[sets\[...\].branding\]; did you mean 'icon'",
    "formats = 3": "formats",
    "page_size = ": "not TOML",
    'domain = "\x00"': "not TOML",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_mistake_in_the_file_names_file_and_key(tmp_path: Path, text: str):
    with pytest.raises(ConfigError, match=REFUSED[text]) as refused:
        load(tmp_path, text)
    assert str(tmp_path / "config.toml") in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path):
    (tmp_path / "config.toml").write_bytes(b'repository_name = "\xff"')
    with pytest.raises(ConfigError, match="not TOML"):
        config.load(tmp_path, {})


def test_a_mark_at_the_beginning_of_the_file_is_no_mistake(tmp_path: Path):
    assert load(tmp_path, "\ufeffpage_size = 7").page_size == 7


def test_the_environment_goes_before_the_file(tmp_path: Path):
    settings = load(
        tmp_path, 'page_size = 7\nadmin_emails = ["a@a.org"]\ndomain = "a.org"', page_size="8", token_days="1.5",
        admin_emails="b@b.org, c@c.org,", formats="mods", secret_key="one key of sixteen, other key of sixteen",
        database_url="postgresql+psycopg://u@h/d", repository_name="123",
    )  # fmt: skip
    assert (settings.page_size, settings.token_days, settings.domain) == (8, 1.5, "a.org")
    assert settings.admin_emails == ["b@b.org", "c@c.org"]
    assert settings.prefixes == ["mods"]
    assert settings.keys == ["one key of sixteen", "other key of sixteen"]
    assert (settings.database_url, settings.repository_name) == ("postgresql+psycopg://u@h/d", "123")


@pytest.mark.parametrize(("name", "value"), [("page_size", "many"), ("page_size", ""), ("domain", "x"),
                                             ("admin_emails", ""), ("base_url", "x")])  # fmt: skip
def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path, name: str, value: str):
    with pytest.raises(ConfigError, match=f"OAI_{name.upper()}"):
        load(tmp_path, "", **{name: value})


FORMATS = {
    'formats = ["mods"]': ["mods"],
    'formats = ["mods", "oai_dc"]': ["mods", "oai_dc"],
    "[formats.mods]\nenabled = false": ["oai_dc"],
    "[formats.oai_dc]\nall_dates = true": ["oai_dc", "mods"],
    "[formats.edm]": ["oai_dc", "mods", "edm"],
}


@pytest.mark.parametrize("text", FORMATS)
def test_formats_are_a_list_or_tables(tmp_path: Path, text: str):
    assert load(tmp_path, text).prefixes == FORMATS[text]


def test_the_environment_chooses_formats_and_leaves_their_options(tmp_path: Path):
    settings = load(tmp_path, "[formats.oai_dc]\nall_dates = true\n[formats.mods]\nx = 1", formats="oai_dc,mods")
    assert settings.prefixes == ["oai_dc", "mods"]
    assert settings.format_options("oai_dc") == {"all_dates": True}
    assert load(tmp_path, "[formats.mods]\nx = 1", formats="oai_dc").prefixes == ["oai_dc"]


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path):
    before = os.umask(0)
    try:
        config.make_secret(tmp_path)
    finally:
        os.umask(before)
    path = tmp_path / config.SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [key] = config.load(tmp_path, {}).keys
    assert len(key) > 40
    config.make_secret(tmp_path)
    assert config.load(tmp_path, {}).keys == [key]
    assert load(tmp_path, 'secret_key = "sixteen characters"').keys == ["sixteen characters"]


def test_the_folder_is_as_named_or_by_environment(tmp_path: Path):
    assert config.folder("x", {"OAI_INSTANCE": "y"}) == Path("x")
    assert config.folder(None, {"OAI_INSTANCE": "y"}) == Path("y")
    assert config.folder(None, {}) == Path("instance")
