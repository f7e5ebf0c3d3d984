"""Formats that an installation keeps as files in a folder: Python classes, stylesheets, maps.

``NAME.py`` has one or more subclasses of :class:`~metadata_formats.registry.Format`. ``NAME.xsl`` (or ``.xslt``) is a
stylesheet that ``NAME.toml`` describes; ``NAME.toml`` alone is a map. Names that begin with ``_`` or ``.``, and other
files, are passed over. Python files are code of whoever runs the installation, and trusted as such; the others can do
no harm.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from metadata_formats import description, mapping, stylesheet
from metadata_formats.registry import FILES, Format, FormatError, Plugin

SHEETS = (".xsl", ".xslt")
DESCRIPTION = ".toml"


def found(folder: Path) -> list[Plugin]:
    """Return the formats of a folder, each under the name of its file; none where there is no such folder.

    Raises:
        FormatError: a file that cannot be used; the text names it, and the line.
    """
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] not in "._")
    return [_plugin(path, made) for path in files for made in _formats(path)]


def _plugin(path: Path, made: type[Format]) -> Plugin:
    return Plugin(made.prefix, path.name, lambda: made)


def _formats(path: Path) -> Iterator[type[Format]]:
    if path.suffix == ".py":
        yield from _classes(path)
    elif path.suffix in SHEETS:
        described = path.with_suffix(DESCRIPTION)
        if not described.exists():
            raise FormatError(f"{path}: {described.name} is missing, which says its prefix, namespace and schema")
        yield stylesheet.load(path, described)
    elif path.suffix == DESCRIPTION and not any(path.with_suffix(suffix).exists() for suffix in SHEETS):
        yield mapping.load(path)


def _classes(path: Path) -> list[type[Format]]:
    """Return the formats that a Python file defines."""
    module = ModuleType(f"{FILES}.{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where classes look their annotations up
    try:
        # Not by the import system: it keeps bytecode, and would take it for a file that changed in the same second.
        exec(compile(description.content(path), path, "exec"), vars(module))  # noqa: S102
    except (FormatError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever the file does, SystemExit too
        raise FormatError(f"{path}, line {_line(error, path)}: {type(error).__name__}: {error}") from error
    made = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Format)
        and value.__module__ == module.__name__
        and isinstance(getattr(value, "prefix", None), str)
    ]
    if not made:
        raise FormatError(f"{path}: it has no subclass of metadata_formats.registry.Format with a prefix")
    return made


def _line(error: BaseException, path: Path) -> int:
    """Return the last line of a file that an error came through."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 1
    lines = [
        line or 1 for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == str(path)
    ]
    return lines[-1] if lines else 1
