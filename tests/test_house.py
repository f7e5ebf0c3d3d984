"""The house as its plan says: who stands where, why each dependency is there, and settings that are all explained."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from places import ROOT

from oai_server import config

PACKAGES = [ROOT / "oai_server", ROOT / "metadata_formats"]
MODULES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def tracked() -> list[Path]:
    """Return the project's own files: those of the repository, or without git those that are not generated."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True
    )
    if listed.returncode:
        pytest.skip("MISSING git, or this is no checkout: the project's own files are not known")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_module_has_a_vague_name():
    assert MODULES
    assert not [path for path in MODULES if set(path.relative_to(ROOT).with_suffix("").parts) & VAGUE]


def test_every_folder_of_the_packages_is_installed():
    """A folder with modules but no ``__init__.py`` works from a checkout and is missing from a wheel."""
    assert not [path.parent for path in MODULES if not (path.parent / "__init__.py").exists()]


def test_every_data_file_of_the_packages_is_in_the_wheel():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    shipped = {path for name, globs in patterns.items() for glob in globs for path in (ROOT / name).glob(glob)}
    data = {path for path in tracked() if path.suffix != ".py" and any(package in path.parents for package in PACKAGES)}
    assert data <= shipped, f"not in package-data: {sorted(data - shipped)}"


def imported() -> set[str]:
    """Return the top-level names that the two packages import."""
    names = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {package.name for package in PACKAGES}


def distribution(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def test_every_import_is_declared_and_every_dependency_used_or_explained():
    """What the packages import is installed with them; what they do not import says on its line why it is there."""
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    needed = {distribution(need) for need in project["dependencies"]}
    optional = {distribution(need) for need in project["optional-dependencies"]["postgres"]}
    providers = packages_distributions()
    used = {name: {distribution(one) for one in providers.get(name, [name])} for name in imported()}
    undeclared = {name for name, makers in used.items() if not makers & (needed | optional)}
    assert not undeclared
    for need in needed - set().union(*used.values()):
        line = re.search(rf'^ +"{re.escape(need)}.*$', text, re.MULTILINE | re.IGNORECASE)[0]
        assert "#" in line, f"nothing imports it and it says nothing: {line}"


def test_the_example_settings_are_what_init_writes():
    assert (ROOT / "instance" / "config.example.toml").read_text() == config.commented()


def test_every_setting_stands_in_the_example():
    text = (ROOT / "instance" / "config.example.toml").read_text()
    named = set(re.findall(r"^# (\w+) = ", text, re.MULTILINE)) | set(re.findall(r"^# \[(\w+)\.", text, re.MULTILINE))
    assert set(config.FIELDS) <= named


def test_every_make_target_is_explained():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split()) - {"help"}
    assert targets == set(re.findall(r"@echo 'make ([\w-]+) ", text))


def test_no_file_names_a_place_of_one_machine():
    """Home folders and checkouts of whoever wrote it are nobody else's; the words are split so as not to find this."""
    foreign = re.compile(
        "|".join(
            ["/ho" + "me/[a-z]", "/Us" + "ers/[a-z]", "/wo" + "rk/", "/ro" + "ot/[a-z]", "FIX" + "ME", "X" * 3 + " "]
        )
    )
    assert not [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in tracked()
        if path.suffix in {"", ".py", ".md", ".toml", ".yaml", ".sh", ".pl", ".html"}
        for found in [foreign.search(path.read_text(errors="replace"))]
        if found
    ]
