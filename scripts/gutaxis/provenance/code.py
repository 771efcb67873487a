"""Digest of the library code that an entry script uses, so that a change reruns what depends on it and nothing else.

Snakemake watches the entry script alone. The digest follows its imports through the library and hashes each module's
syntax tree without docstrings: comments, layout and documentation may change without a rerun.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "gutaxis"


@cache
def _parse(path: Path) -> tuple[str, frozenset[str]]:
    """Return a module's syntax tree as text, docstrings removed, and the library modules it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            # `from package import name`: the name may be a module or a thing in the package
            imports |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                body[0] = ast.Pass()
    return ast.dump(tree), frozenset(imports)


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
def code_digest(*, script: Path) -> str:
    """Return 16 hexadecimal digits that change when the script, or any library module it uses, changes in code."""
    digest = hashlib.sha256()
    for path in [script, *used_modules(script=script)]:
        digest.update(path.relative_to(script.parent).as_posix().encode())
        digest.update(_parse(path)[0].encode())
    return digest.hexdigest()[:16]
