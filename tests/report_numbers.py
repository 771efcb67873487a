"""The finished page read back: every number of a sentence is looked up in its table again, by code of its own."""

import csv
import json
import re
import statistics
from pathlib import Path

from lxml import html

#: Digits that are part of a fixed name and no result.
NAMES = r"RECIST 1\.1|iRECIST|95 %|1 Gy|PD-L?1|CTCAE 5\.0|CD\d+|log2|IL-\d+|R2|TOPOSCORE"


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as handle:
        lines = list(handle)
    while lines and lines[0].startswith("#"):
        lines.pop(0)
    return list(csv.DictReader(lines, delimiter="\t"))


def known(text):
    return text not in {"", "NA"}


def number(text):
    return float({"True": "1", "False": "0"}.get(text, text))


def holds(text, relation, value):
    if relation == "known":
        return known(text)
    if relation == "missing":
        return not known(text)
    if not known(text):
        return relation == "!="
    if relation == "in":
        return any(holds(text, "==", one) for one in value)
    if isinstance(value, bool):
        left, right = text, str(value)
    elif isinstance(value, (int, float)):
        left, right = number(text), float(value)
    else:
        left, right = text, value
    return {
        "==": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right,
        ">=": left >= right,
    }[relation]  # fmt: skip


def printed(value, style):
    if value is None:
        return "not estimable"
    if style == "text":
        return value
    number = float(value)
    text = {
        "integer": f"{number:,.0f}", "percent": f"{100 * number:.0f} %", "signed": f"{number:+.2f}",
        "two": f"{number:.2f}", "p": "< 0.001" if number < 0.001 else f"{number:.2g}", "short": f"{number:.3g}",
    }[style]  # fmt: skip
    return text.replace("-", "\N{MINUS SIGN}")


def again(element, tables):
    """Return the value of a marked number, from the file."""
    data = element.attrib
    rows = [
        row for row in tables[data["data-source"]]
        if all(holds(row[column], relation, value) for column, relation, value in json.loads(data["data-where"]))
    ]  # fmt: skip
    what, column = data["data-what"], data["data-column"]
    if what == "rows":
        return len(rows)
    values = [row[column] for row in rows]
    if what == "cell":
        assert len(values) == 1, (len(values), dict(data))
        return values[0] if known(values[0]) else None
    values = [value for value in values if known(value)]
    if what == "distinct":
        return len(set(values))
    if not values:
        return 0 if what == "sum" else None
    return {"sum": sum, "min": min, "max": max, "median": statistics.median}[what](map(number, values))


def check_numbers(*, page, root):
    """Look every number of the page up in its table; return how many there were."""
    elements = html.fromstring(Path(page).read_bytes().decode()).xpath("//data")
    tables = {}
    for element in elements:
        source = element.attrib["data-source"]
        if source not in tables:
            tables[source] = rows_of(Path(root) / source)
        expected = printed(again(element, tables), element.attrib["data-style"])
        assert element.text == expected, f"{element.text} on the page, {expected} in {source}: {dict(element.attrib)}"
    return len(elements)


def loose_digits(*, page):
    """Return sentences that hold a digit which is neither a marked number nor in a word of the data."""
    tree = html.fromstring(Path(page).read_bytes().decode())
    loose = []
    for paragraph in tree.xpath('//p[contains(@class, "finding") or contains(@class, "counted")]'):
        text = "".join(paragraph.xpath(".//text()[not(ancestor::data) and not(ancestor::span[@class='name'])]"))
        if re.search(r"\d", re.sub(NAMES, "", text)):
            loose.append("".join(paragraph.itertext()))
    return loose
