"""Digest of the library code that an entry script uses, so that a change reruns what depends on it and nothing else.

Snakemake watches the entry script alone. The digest follows its imports through the library and hashes each module's
syntax tree without docstrings: comments, layout and documentation may change without a rerun.

All of this is asked whenever the workflow is parsed, for every rule, so it is written to be quick, and a plan stores
the digests beside Python's compiled modules. They are believed as long as every source file has the bytes they are of.
"""

import ast
import gc
import hashlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from gutaxis.files import atomic_write

PACKAGE = "gutaxis"
#: Digests of an earlier plan, below the folder of the scripts.
STORE = "gutaxis/__pycache__/code_digests.json"
#: Nodes whose first statement is a docstring if it is a constant.
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def _imported(node: Any) -> set[str]:
    """Return the library modules that a node imports."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE}
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
        # `from package import name`: the name may be a module or a thing in the package
        return {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return set()


def _write(node: Any, text: list[str], imports: set[str]) -> None:
    """Append what ``ast.dump`` writes of a node, docstrings removed, and collect its imports on the way."""
    if isinstance(node, list):
        text.append("[")
        for number, item in enumerate(node):
            if number:
                text.append(", ")
            _write(item, text, imports)
        text.append("]")
    elif isinstance(node, ast.AST):
        kind = type(node)
        if kind is ast.Import or kind is ast.ImportFrom:
            imports |= _imported(node)
        elif kind in _DOCUMENTED and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body[0] = ast.Pass()
        text.append(f"{kind.__name__}(")
        separator = ""
        for name in node._fields:
            value = getattr(node, name, None)
            if value is None and getattr(kind, name, ...) is None:
                continue  # an optional field that is absent
            text.append(f"{separator}{name}=")
            separator = ", "
            _write(value, text, imports)
        text.append(")")
    else:
        text.append(repr(node))


@cache
def _parse(path: Path) -> tuple[bytes, frozenset[str]]:
    """Return a module's syntax tree as text, docstrings removed, and the library modules it imports."""
    text: list[str] = []
    imports: set[str] = set()
    # a tree has no cycles, and many thousands of nodes: looking for garbage among them takes longer than parsing
    collecting = gc.isenabled()
    gc.disable()
    try:
        _write(ast.parse(path.read_text(encoding="utf-8")), text, imports)
    finally:
        if collecting:
            gc.enable()
    return "".join(text).encode(), frozenset(imports)


@cache
def _module_file(*, module: str, root: Path) -> Path | None:
    base = root.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def used_modules(*, script: Path) -> list[Path]:
    """Return the library modules that a script imports, directly or through others, sorted.

    Parameters
    ----------
    script
        Entry script; the library is the package folder beside it.
    """
    root = script.parent
    seen: dict[Path, None] = {}
    waiting = [script]
    while waiting:
        for module in sorted(_parse(waiting.pop())[1]):
            path = _module_file(module=module, root=root)
            if path is not None and path not in seen:
                seen[path] = None
                waiting.append(path)
    return sorted(seen)


@cache
def code_digest(*, script: Path, store: bool = False) -> str:
    """Return 16 hexadecimal digits that change when the script, or any library module it uses, changes in code.

    Parameters
    ----------
    script
        Entry script; the library is the package folder beside it.
    store
        Whether the digests of all scripts beside it are stored for later plans, if they are not yet.
    """
    known = _stored(root=script.parent)
    if script.name not in known and store:
        known |= {path.name: _digest(script=path) for path in sorted(script.parent.glob("*.py"))}
        _store(root=script.parent, digests=known)
    return known.get(script.name) or _digest(script=script)


def _digest(*, script: Path) -> str:
    digest = hashlib.sha256()
    for path in [script, *used_modules(script=script)]:
        digest.update(path.relative_to(script.parent).as_posix().encode())
        digest.update(_parse(path)[0])
    return digest.hexdigest()[:16]


@cache
def _state(*, root: Path) -> str:
    """Digest of the bytes of all sources, and of the Python that reads them: syntax trees differ between versions."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted([*root.glob("*.py"), *(root / PACKAGE).rglob("*.py")]):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def _stored(*, root: Path) -> dict[str, str]:
    """Digests by name of script, of an earlier plan or of this one: `code_digest` fills what is found empty."""
    try:
        state, digests = json.loads((root / STORE).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return {}  # none yet, or no file of ours: the digests are computed
    return digests if state == _state(root=root) else {}


def _store(*, root: Path, digests: dict[str, str]) -> None:
    try:
        with atomic_write(root / STORE) as part:
            part.write_text(json.dumps([_state(root=root), digests]), encoding="utf-8")
    except OSError:
        return  # the workflow may be where this user cannot write; digests are then computed each time
