"""The pages for readers say what there is: every command, option, setting, format, reader and field, and no other.

Convention of the pages: blocks marked ``sh`` are run here, page by page and in order, in a fresh folder with the
examples and no instance; blocks marked ``console`` are for people alone.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
import pytest
from jmespath.functions import Functions
from places import ROOT

from metadata_formats import mapping, registry, stylesheet
from metadata_formats import record as model
from oai_server import config
from oai_server.cli import main
from oai_server.ingest import document, ead, marc, metadata, profile, readers, rules, table
from oai_server.protocol import descriptions
from oai_server.readiness import profile as portals
from oai_server.readiness.protocol_rules import RULES
from oai_server.web.app import create_app

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL = [*PAGES, ROOT / "docs/examples/README.md", ROOT / "instance/README.md"]
RUN, RECORD, FORMATS, PLUGINS, PROFILES, PUBLISH, PORTALS = (
    (ROOT / "docs" / f"{name}.md").read_text()
    for name in ("run", "record", "formats", "plugins", "profiles", "publish", "portals")
)
COMMON = {"--instance", "--debug", "--help"}
OF_TESTS = {"OAI_SCHEMAS", "OAI_DATA", "OAI_EXPECTED"}


class Block(NamedTuple):
    """A fenced block: its language, the line it begins in, its text."""

    language: str
    line: int
    text: str


def blocks(page: str) -> Iterator[Block]:
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        yield Block(found[1], page[: found.start()].count("\n") + 1, found[2])


def code(page: str) -> list[str]:
    """Return all that is set as code: lines of fenced and indented blocks, and spans in prose."""
    lines = [line for block in blocks(page) for line in block.text.splitlines()]
    prose = re.sub(r"^```\w*\n.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    lines += re.findall(r"^ {4}(.+)$", prose, re.MULTILINE)
    return lines + [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", prose)]


def section(page: str, title: str) -> str:
    """Return what stands under a heading, up to the next one of any level; fails where there is no such heading."""
    outside = re.sub(r"^```\w*\n.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", outside, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {title!r}"
    return found[1]


def rows(text: str) -> dict[str, list[str]]:
    """Return the rows of all tables of a text: first cell, which is code, to the other cells."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and (key := re.fullmatch(r"`([^`]+)`", cells[0])):
            found[key[1]] = cells[1:]
    return found


def headings(page: str) -> set[str]:
    """Return the anchors of a page, as GitHub makes them."""
    outside = re.sub(r"^```\w*\n.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        for name in [*parameter.opts, *parameter.secondary_opts]
        if name.startswith("--")
    }


def commands(group: click.Group, before: str = "") -> dict[str, click.Command]:
    """Return every command by what one types for it: ``import``, ``schemas fetch``."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found[before + name] = command
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
    return found


COMMANDS = commands(main)


def names(shape: type[msgspec.Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(shape)]


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as ``bash -e`` with the tested command on its path and no settings from outside.

    The folder gets what the pages work on, and the virtual environment where they expect it.
    """
    shutil.copytree(ROOT / "docs", folder / "docs")
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OAI_", "PYTHON"))}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    command = ["bash", "-e", "-o", "pipefail"]
    return subprocess.run(command, input=script, cwd=folder, env=kept, text=True, capture_output=True, timeout=300)


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks(page.read_text()) if block.language == "sh"]


def demo() -> str:
    """Return what ``make demo`` does before it serves, and a look at what there is then."""
    recipe = re.findall(r"^\t\$\(SERVER\) (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(recipe) == 4
    return "\n".join(f"oai-server {line.replace('$(INSTANCE)', 'instance')}" for line in [*recipe, "status"])


RUNNABLE = [page for page in PAGES if runnable(page)]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """What became of the scripts of all pages, by name, and of the demo; side by side, for each has its own folder."""
    scripts = {
        page.name: "\n".join(f"echo '--- line {line}' >&2\n{text}" for _, line, text in runnable(page))
        for page in RUNNABLE
    }
    scripts["demo"] = demo()
    folders = [tmp_path_factory.mktemp("page") for _ in scripts]
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        return dict(zip(scripts, pool.map(shell, scripts.values(), folders), strict=True))


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run(page: Path, ran: dict[str, subprocess.CompletedProcess[str]]) -> None:
    done = ran[page.name]
    assert done.returncode == 0, f"{page.name}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    begun = done.stderr.count("--- line ")
    assert begun == len(runnable(page)), f"{page.name} ends before its end\n{done.stderr[-2000:]}"


def test_make_demo_shows_what_the_readme_says(ran: dict[str, subprocess.CompletedProcess[str]]) -> None:
    done = ran["demo"]
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("new ")]
    readme = (ROOT / "README.md").read_text()
    assert said == re.findall(r"^    (new .+)$", readme, re.MULTILINE)
    live, deleted = map(int, re.search(r"mods +live (\d+) +deleted (\d+)", done.stdout).groups())
    assert f"{live + deleted} records in MODS, two of them deleted" in readme
    assert deleted == 2
    assert re.search(r"^sets +10$", done.stdout, re.MULTILINE)
    assert "ten sets" in readme


def test_every_command_and_option_is_documented_and_no_other() -> None:
    documented = re.findall(r"^### oai-server ([a-z ]+)$", RUN, re.MULTILINE)
    assert sorted(documented) == sorted(COMMANDS)
    assert rows(section(RUN, "Commands")).keys() == COMMON
    for name, command in COMMANDS.items():
        assert rows(section(RUN, f"oai-server {name}")).keys() == options(command) - COMMON, name


@pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_command_option_or_variable_that_is_not_there(page: Path) -> None:
    text = page.read_text()
    every = set.union(*map(options, COMMANDS.values())) | COMMON | {"--version"}
    for piece in code(text):
        for said in re.findall(r"oai-server ((?![/-])[a-z][^;&|`]*)", piece):
            name = max((name for name in COMMANDS if re.match(rf"{name}\b", said)), key=len, default="")
            assert name, piece
            unknown = set(re.findall(r"(?<!\S)--[a-z-]+", said)) - options(COMMANDS[name]) - COMMON
            assert not unknown, piece
        if piece.startswith("--"):
            assert piece.split()[0] in every, piece
    known = {f"OAI_{name.upper()}" for name in config.FIELDS.keys() - config.TABLES} | {"OAI_INSTANCE"} | OF_TESTS
    assert set(re.findall(r"\bOAI_[A-Z_]+\b", text)) <= known


def test_every_setting_is_documented_with_its_default_and_variable() -> None:
    settings, _, tables = section(RUN, "Settings").partition("| key of ")
    documented = rows(settings)
    assert list(documented) == list(config.FIELDS)
    defaults = config.Settings()
    for key in config.FIELDS.keys() - config.TABLES:
        default, variable, _ = documented[key]
        assert json.loads(default.strip("`")) == getattr(defaults, key), key
        assert variable == f"`OAI_{key.upper()}`"
    assert set(rows(tables)) == {*names(config.Source), *names(config.SetSettings)}


def test_the_example_configuration_has_every_setting_with_its_default() -> None:
    example = (ROOT / "oai_server/config.example.toml").read_text()
    assert (ROOT / "instance/config.example.toml").read_text() == example
    settings, _, tables = example.partition("# --- Where records come from")
    shown = tomllib.loads("\n".join(re.findall(r"^# (\w+ = .+)$", settings, re.MULTILINE)))
    assert shown.keys() == config.FIELDS.keys() - config.TABLES
    assert {key: getattr(config.Settings(), key) for key in shown} == shown
    uncommented = tomllib.loads(re.sub(r"^# (?!---)", "", tables.partition("\n")[2], flags=re.MULTILINE))
    settings_read = msgspec.convert(uncommented, config.Settings)
    assert set(uncommented) == config.TABLES
    assert set(names(descriptions.OfRepository)) == set(uncommented["description"])
    assert set(names(config.Source)) == set(uncommented["sources"]["museum"]), settings_read


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_toml_in_a_page_is_taken(page: Path, tmp_path: Path) -> None:
    for block in blocks(page.read_text()):
        if block.language != "toml":
            continue
        values = tomllib.loads(block.text)
        if values.keys() == {"defaults"}:
            profile.Defaults(values["defaults"], page.name)
            continue
        (tmp_path / config.CONFIG).write_text(block.text)
        config.load(tmp_path, {})


class Asked(dict[str, Any]):
    """Options that remember which of them a format asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return default


def test_every_format_is_documented_with_the_options_that_it_reads() -> None:
    full = model.from_yaml((ROOT / "tests/metadata_formats/full.yaml").read_text())
    for prefix, made in registry.load().items():
        asked = Asked()
        registry.rendition(made, full, registry.Context("oai:archive.example.org:1", options=asked))
        text = section(FORMATS, prefix)
        assert rows(text).keys() == asked.names == made.options.keys(), prefix
        assert made.namespace in text


def test_every_key_and_function_of_a_map_is_documented() -> None:
    text = section(PLUGINS, "A map")
    functions = set(re.findall(r"`(\w+)\(", text))
    own = set(mapping.MapFunctions.FUNCTION_TABLE) - set(Functions.FUNCTION_TABLE)
    assert functions == own | {"join"}
    keys = [field.encode_name for field in msgspec.structs.fields(mapping.Entry)]
    assert {row for row in rows(text) if "(" not in row} == set(keys)


def test_every_limit_of_a_stylesheet_is_documented_with_its_default() -> None:
    documented = {key: cells[0] for key, cells in rows(section(PLUGINS, "A stylesheet")).items()}
    assert documented == {"seconds": f"{stylesheet.SECONDS:g}", "megabytes": str(stylesheet.MEGABYTES)}


def test_every_reader_is_documented_with_the_endings_that_it_takes() -> None:
    documented = re.findall(r"^\| (.+?) \| `(\w+)` \|", PUBLISH, re.MULTILINE)
    assert {name for _, name in documented} == readers.installed().keys()
    for endings, name in documented:
        for ending in re.findall(r"`(\.\w+)`", endings):
            head = b"PK\x03\x04" if ending == ".xlsx" else b""
            assert readers.load(name).recognises(f"file{ending}", head), ending


def test_every_rule_of_a_portal_is_documented_with_its_severity() -> None:
    for one in portals.load():
        documented = {rule: cells[0] for rule, cells in rows(section(PORTALS, one.name)).items()}
        checked = {rule.name: rule.severity.value for rule in one.rules}
        assert documented == checked | dict.fromkeys(one.unchecked, "not checked"), one.name


def test_every_rule_of_the_protocol_is_documented_as_it_is() -> None:
    documented = {rule: tuple(cells) for rule, cells in rows(section(PORTALS, "protocol")).items()}
    assert documented == {name: (rule.severity.value, rule.says, rule.why) for name, rule in RULES.items()}


def test_every_rule_that_is_shown_can_be_used() -> None:
    text = section(PUBLISH, "Sets made by rule")
    shown = re.findall(r"^\| [^`|]+ \| (`+)(.+?)\1 \|$", text, re.MULTILINE)
    assert len(shown) == 6
    rules.Rules({f"s{number}": where.replace("\\|", "|").strip() for number, (_, where) in enumerate(shown)})


def shapes() -> list[type[msgspec.Struct]]:
    """Return every shape of the canonical record."""
    found = [value for _, value in inspect.getmembers(model, inspect.isclass) if issubclass(value, msgspec.Struct)]
    return [shape for shape in found if not shape.__name__.startswith("_")]


def literals(info: msgspec.inspect.Type) -> Iterable[str]:
    """Return the words that a field is limited to."""
    if isinstance(info, msgspec.inspect.LiteralType):
        yield from map(str, info.values)
    elif isinstance(info, msgspec.inspect.UnionType):
        for one in info.types:
            yield from literals(one)


@pytest.mark.parametrize("shape", shapes(), ids=lambda shape: shape.__name__)
def test_every_field_of_the_record_is_documented_with_its_words(shape: type[msgspec.Struct]) -> None:
    documented = rows(section(RECORD, shape.__name__))
    assert list(documented) == names(shape)
    for field in msgspec.inspect.type_info(shape).fields:
        text = documented[field.name][0]
        assert text
        if shape is not model.SubjectPart:  # its words are those of Subject
            missing = [word for word in literals(field.type) if word not in text]
            assert not missing, field.name


def test_the_page_of_the_record_has_no_other_shape() -> None:
    assert sorted(re.findall(r"^## (\w+)$", RECORD, re.MULTILINE)) == sorted(shape.__name__ for shape in shapes())


@pytest.mark.parametrize(
    ("title", "shape"),
    [
        ("Keys of a table profile", table.Profile),
        ("Keys of a field", table.Field),
        ("Document pages", document.Profile),
        ("MARC", marc.Profile),
        ("XML records", metadata.Profile),
        ("Finding aids", ead.Profile),
    ],
)
def test_every_key_of_a_profile_is_documented(title: str, shape: type[msgspec.Struct]) -> None:
    assert list(rows(section(PROFILES, title))) == names(shape)


@pytest.mark.parametrize(
    ("title", "shape"),
    [
        ("Rights manifest", descriptions.RightsManifest),
        ("Friends", descriptions.Friends),
        ("Branding", descriptions.Branding),
        ("Renderings", descriptions.Rendering),
        ("Gateway", descriptions.Gateway),
        ("Eprints", descriptions.Eprints),
        ("Policies", descriptions.Policy),
    ],
)
def test_every_key_of_a_description_is_documented(title: str, shape: type[msgspec.Struct]) -> None:
    assert sorted(rows(section((ROOT / "docs/descriptions.md").read_text(), title))) == sorted(names(shape))


def test_every_label_of_a_page_is_documented() -> None:
    text = section(PROFILES, "Document pages")
    for label, kind in document.LABELS.items():
        assert label in text.replace("\n", " ").lower()
        assert f"`{kind}`" in text


def test_every_address_is_documented() -> None:
    app = create_app(config.Settings(database_url="sqlite:////nowhere/at-all", secret_key="k" * 32), [])
    served = {rule.rule.rstrip("/") or "/" for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    documented = {
        address.replace("<OAI identifier>", "<path:identifier>") for address in rows(section(RUN, "Addresses"))
    }
    assert served == documented


@pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        leads_to = (page.parent / path).resolve() if path else page
        assert leads_to.exists(), target
        assert leads_to.is_relative_to(ROOT), target
        if anchor:
            assert anchor in headings(leads_to.read_text()), target


def test_every_page_is_found_from_the_readme() -> None:
    linked = re.findall(r"\]\((docs/\w+\.md)\)", (ROOT / "README.md").read_text())
    assert sorted(ROOT / path for path in linked) == sorted((ROOT / "docs").glob("*.md"))
