"""The config: validated against its schema, defaults filled in, every mistake told at once."""

import difflib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema

from gutaxis.errors import Problem, raise_if_errors

#: Contrasts that compare a patient's POST sample with something, and so need the column ``timepoint``.
POST_CONTRASTS = ("change", "response_change", "post")
#: What a layer's numbers are when its format already says so.
SOURCE_DEFAULTS = {
    "metaphlan": {"kind": "compositional", "unit": "percent"},
    "humann": {"kind": "compositional", "unit": "rpk"},
}
TYPE_NAMES = {
    "string": "text",
    "array": "a list",
    "object": "a section of keys",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def load_config(*, config: Mapping[str, Any], schema_path: Path) -> dict[str, Any]:
    """Validate a config and fill in its defaults.

    Parameters
    ----------
    config
        The config as read from YAML. It is not changed.
    schema_path
        ``config/schemas/config.schema.json``.

    Returns
    -------
    dict
        A copy with every key present; ``cohort.samples`` is always a list, ``kind`` and ``unit`` of a layer are filled
        where its source fixes them. ``covariates`` stays None when it was not given: see ``Cohort.covariates``.

    Raises
    ------
    GutaxisError
        With one problem per mistake: C01 unknown key, C02 wrong type, C03 value not allowed, C04 missing key, C05 keys
        that do not fit each other.
    """
    schema = json.loads(Path(schema_path).read_text(encoding="utf-8"))
    filled = _fill(schema=schema, value=_text_keys(dict(config) if isinstance(config, Mapping) else config))
    validator = jsonschema.Draft202012Validator(schema)
    # The library reports every missing key once for each; one telling is enough.
    raise_if_errors({problem for error in validator.iter_errors(filled) for problem in _explain(error, schema)})

    cohort = filled["cohort"]
    if isinstance(cohort["samples"], str):
        cohort["samples"] = [cohort["samples"]]
    for layer in filled["layers"].values():
        for key, value in SOURCE_DEFAULTS.get(layer["source"], {}).items():
            layer[key] = layer[key] or value
    raise_if_errors(_misfits(filled))
    return filled


def needs_post(*, config: Mapping[str, Any]) -> bool:
    """Return whether a contrast of the config compares POST samples."""
    return any(name in config["contrasts"] for name in POST_CONTRASTS)


def config_problem(code: str, key: str, value: object, *sentences: str) -> Problem:
    """Return a problem of the config: ``key`` is the dotted path, the sentences say wrong, allowed, mend."""
    wrong, allowed, mend = sentences
    return Problem(code, "config", None, key, None if value is None else str(value), wrong, allowed, mend)


def did_you_mean(*, word: str, known: list[str]) -> str:
    """Return the known word most like ``word``, or an empty string."""
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.7)
    return folded[close[0]] if close else ""


def _text_keys(value: Any) -> Any:
    """Return a deep copy whose section keys are text: YAML reads a bare ``1:`` or ``on:`` as something else."""
    if isinstance(value, Mapping):
        return {str(key): _text_keys(item) for key, item in value.items()}
    return [_text_keys(item) for item in value] if isinstance(value, list | tuple) else value


def _types(schema: Mapping[str, Any]) -> list[str]:
    declared = schema.get("type", [])
    return [declared] if isinstance(declared, str) else list(declared)


def _fill(*, schema: Mapping[str, Any], value: Any) -> Any:
    # A heading with nothing below it is null in YAML; it means the defaults of that section.
    if value is None and _types(schema) == ["object"]:
        value = deepcopy(schema.get("default", {}))
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    for key, sub in properties.items():
        if key not in value and "default" in sub:
            value[key] = deepcopy(sub["default"])
    free = schema.get("additionalProperties")
    for key in value:
        sub = properties.get(key, free if isinstance(free, dict) else {})
        value[key] = _fill(schema=sub, value=value[key])
    return value


def _dotted(parts: list[Any]) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _places(schema: Mapping[str, Any], name: str, prefix: str = "") -> Iterator[str]:
    """Yield the dotted paths at which the schema knows a key called ``name``."""
    for key, sub in schema.get("properties", {}).items():
        path = f"{prefix}.{key}" if prefix else key
        if key == name:
            yield path
        yield from _places(sub, name, path)
    free = schema.get("additionalProperties")
    if isinstance(free, dict):
        yield from _places(free, name, f"{prefix}.<name>")


def _explain(error: jsonschema.ValidationError, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Turn one finding of the JSON-schema library into problems a user understands."""
    parts = list(error.absolute_path)
    key = _dotted(parts) or "(top)"
    shown = None if isinstance(error.instance, dict | list) else error.instance
    about = error.schema.get("description", "").split(". ")[0].rstrip(".")
    if "propertyNames" in error.absolute_schema_path:
        wrong = "This name cannot be used in file names"
        yield config_problem(
            "C03",
            _dotted([*parts, error.instance]),
            None,
            wrong,
            "Use small letters, digits and underscores",
            "Rename it",
        )
    elif error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in sorted(set(error.instance) - set(known)):
            close, elsewhere = did_you_mean(word=name, known=known), list(_places(schema, name))
            mend = f"Did you mean `{close}`" if close else f"Move it to `{elsewhere[0]}`" if elsewhere else "Remove it"
            allowed = f"Keys {'here' if parts else 'at the top'} are {', '.join(known)}"
            yield config_problem("C01", _dotted([*parts, name]), None, "This key is not known", allowed, mend)
    elif error.validator == "required":
        for name in sorted(set(error.validator_value) - set(error.instance)):
            sub = error.schema["properties"][name]
            yield config_problem(
                "C04", _dotted([*parts, name]), None, "This key is missing", sub["description"].rstrip("."), "Add it"
            )
    elif error.validator == "type":
        found = _type_name(error.instance)
        allowed = " or ".join(TYPE_NAMES[kind] for kind in _types(error.schema))
        wrong = f"This is {found}, not {allowed}"
        yield config_problem("C02", key, shown, wrong, about or f"It must be {allowed}", f"Write {allowed}")
    elif error.validator == "enum":
        words = ["null" if word is None else str(word) for word in error.validator_value]
        close = did_you_mean(word=str(error.instance), known=words)
        mend = f"Did you mean `{close}`" if close else "Write one of them"
        yield config_problem(
            "C03", key, error.instance, "This value is not known", f"Allowed: {', '.join(words)}", mend
        )
    else:
        limits = {
            "minimum": f"The least value is {error.validator_value}",
            "minItems": f"The least number of entries is {error.validator_value}",
            "maxItems": f"The greatest number of entries is {error.validator_value}",
            "minLength": "The text must not be empty",
            "uniqueItems": "Every entry must be different",
            "minProperties": "At least one key is needed",
        }
        allowed = limits.get(error.validator, f"{error.validator}: {error.validator_value}")
        value = error.instance if shown is None and isinstance(error.instance, list) else shown
        yield config_problem("C03", key, value, "This value is not allowed", allowed, "Correct it")


def _type_name(value: object) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    if value is None:
        return "null (nothing is written after the colon)"
    return TYPE_NAMES.get(kinds.get(type(value), ""), type(value).__name__)


def _misfits(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the C05 problems: every key is well formed, but two of them do not fit."""
    first, last = config["visits"]["post_window_days"]
    target = config["visits"]["post_target_day"]
    if first > last:
        yield config_problem(
            "C05",
            "visits.post_window_days",
            [first, last],
            "The window ends before it begins",
            "First day, last day",
            "Swap the two days",
        )
    elif not first <= target <= last:
        yield config_problem(
            "C05",
            "visits.post_target_day",
            target,
            "The target day lies outside post_window_days",
            f"The window is {first} to {last}",
            "Change the day or the window",
        )
    needing = []
    if config["response"]["source"] == "recist":
        needing.append("response.source recist")
    if "survival" in config["contrasts"]:
        needing.append("the contrast survival")
    for sheet in ("lesions", "measurements"):
        if needing and config["cohort"][sheet] is None:
            yield config_problem(
                "C05",
                f"cohort.{sheet}",
                None,
                f"The sheet is not named, but {' and '.join(needing)} needs it",
                "A path",
                f"Name the sheet{'' if 'survival' in config['contrasts'] else ', or use response.source: given'}",
            )
    for name, layer in config["layers"].items():
        for key in ("kind", "unit"):
            if layer[key] is None:
                yield config_problem(
                    "C05",
                    f"layers.{name}.{key}",
                    None,
                    "A layer from a plain table must say this",
                    "See the reference",
                    f"Add `{key}`",
                )
