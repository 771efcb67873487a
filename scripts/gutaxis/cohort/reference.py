"""The reference part of config/README.md, made from the schema and the vocabulary, so that it cannot fall behind.

``python -m gutaxis.cohort.reference config/README.md`` rewrites the part between the two markers.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gutaxis.cohort.vocabulary import KEYS, SHEETS, Column
from gutaxis.errors import GutaxisError
from gutaxis.files import atomic_write

BEGIN = "<!-- reference: begin (made by `python -m gutaxis.cohort.reference config/README.md`; do not edit by hand) -->"
END = "<!-- reference: end -->"
NEEDED = {"always": "always", "recist": "`source: recist`", "given": "`source: given`", "no": ""}
#: Columns that are needed only sometimes, in a way the vocabulary cannot say in a word.
SOMETIMES = {"timepoint": "contrasts with POST", "assay": "rows with files"}


def render_reference(*, schema_path: Path) -> str:
    """Return the reference as Markdown.

    Parameters
    ----------
    schema_path
        ``config/schemas/config.schema.json``.

    Returns
    -------
    str
        One table of config keys, one table per sheet.
    """
    schema = json.loads(Path(schema_path).read_text(encoding="utf-8"))
    lines = ["### Config keys", "", "| key | type | default | meaning | example |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(cells) + " |" for cells in _keys(schema, "")]
    for sheet, columns in SHEETS.items():
        key = KEYS.get(sheet)
        told = f" One row per {' and '.join(f'`{name}`' for name in key)}." if key else ""
        lines += ["", f"### Sheet `{sheet}`", "", f"Columns in any order.{told}", ""]
        lines += ["| column | needed | values | meaning | example |", "|---|---|---|---|---|"]
        lines += ["| " + " | ".join(_column(column)) + " |" for column in columns]
    return "\n".join(lines) + "\n"


def update_readme(*, readme: Path, schema_path: Path) -> None:
    """Rewrite the part between the markers.

    Parameters
    ----------
    readme
        The file to change.
    schema_path
        ``config/schemas/config.schema.json``.

    Raises
    ------
    GutaxisError
        If a marker is absent.
    """
    text = Path(readme).read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise GutaxisError(f"{readme} must hold these two lines once:\n{BEGIN}\n{END}")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    reference = render_reference(schema_path=schema_path)
    with atomic_write(readme) as part:
        part.write_text(f"{before}{BEGIN}\n\n{reference}\n{END}{after}", encoding="utf-8")


def _code(value: object) -> str:
    """Show a value as it is written in YAML, on one line."""
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace("|", "\\|")


def _keys(schema: Mapping[str, Any], prefix: str) -> Iterator[list[str]]:
    required = set(schema.get("required", []))
    for name, sub in schema["properties"].items():
        path = f"{prefix}{name}"
        section, free = "properties" in sub, sub.get("additionalProperties")
        default = "needed" if name in required else _code(sub["default"]) if "default" in sub else "not made"
        example = _code(sub["examples"][0]) if "examples" in sub and not section else ""
        yield [
            f"`{path}`",
            _type(sub),
            "" if section and sub.get("default") == {} else default,
            sub["description"],
            example,
        ]
        if section:
            yield from _keys(sub, f"{path}.")
        if isinstance(free, dict) and "properties" in free:
            yield from _keys(free, f"{path}.<name>.")
        items = sub.get("items")
        if isinstance(items, dict) and "properties" in items:
            yield from _keys(items, f"{path}[].")


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " \\| ".join("null" if word is None else f"`{word}`" for word in schema["enum"])
    names = {
        "string": "text",
        "array": "list",
        "object": "section",
        "integer": "whole number",
        "boolean": "true, false",
    }
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    bound = f", at least {schema['minimum']}" if "minimum" in schema else ""
    return " or ".join(names.get(kind, kind) for kind in types) + bound


def _column(column: Column) -> list[str]:
    kinds = {
        "id": "id",
        "text": "text",
        "date": "date",
        "partial_date": "date, also partial",
        "files": "path, or paths joined with `;`",
    }
    if column.kind == "word":
        values = ", ".join(f"`{word}`" for word in column.allowed)
    elif column.kind in {"number", "integer"}:
        kind = "whole number" if column.kind == "integer" else "number"
        values = f"{kind}, {column.low:g} to {column.high:g}"
    else:
        values = kinds[column.kind]
    default = f". Default: `{column.default}`" if column.default else ""
    needed = SOMETIMES.get(column.name, NEEDED[column.needed])
    return [f"`{column.name}`", needed, values, f"{column.meaning}{default}", f"`{column.example}`"]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m gutaxis.cohort.reference config/README.md")
    target = Path(sys.argv[1])
    try:
        update_readme(readme=target, schema_path=target.parent / "schemas" / "config.schema.json")
    except (GutaxisError, OSError) as error:
        sys.exit(str(error))
