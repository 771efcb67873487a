"""Code digest: an edit reruns what uses the module, comments and docstrings rerun nothing."""

import ast
from pathlib import Path

import pytest

from gutaxis.provenance import code
from gutaxis.provenance.code import code_digest, used_modules

pytestmark = pytest.mark.unit
SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def project(tmp_path):
    library = tmp_path / "gutaxis"
    library.mkdir()
    (library / "__init__.py").write_text("")
    (library / "a.py").write_text('"""Doc."""\nfrom gutaxis.b import g\n\n\ndef f():\n    """Doc."""\n    return g()\n')
    (library / "b.py").write_text("def g():\n    return 1\n")
    (library / "c.py").write_text("X = 1\n")
    (tmp_path / "one.py").write_text("from gutaxis.a import f\n")
    (tmp_path / "two.py").write_text("from gutaxis import c\n")
    return tmp_path


def digests(project):
    code._parse.cache_clear()
    code_digest.cache_clear()
    return [code_digest(script=project / f"{name}.py") for name in ("one", "two")]


def test_modules_are_followed(project):
    assert [path.name for path in used_modules(script=project / "one.py")] == ["a.py", "b.py"]
    assert "c.py" in [path.name for path in used_modules(script=project / "two.py")]


def test_edit_of_an_indirect_module_changes_its_users_only(project):
    before = digests(project)
    (project / "gutaxis" / "b.py").write_text("def g():\n    return 2\n")
    after = digests(project)
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_comments_docstrings_and_layout_change_nothing(project):
    before = digests(project)
    lines = ['"""Other."""', "", "from gutaxis.b import g", "", "# a comment", "def f():", '    """Other doc."""']
    (project / "gutaxis" / "a.py").write_text("\n".join([*lines, "    return (", "        g()", "    )", ""]))
    assert digests(project) == before


def test_edit_of_the_script_changes_it(project):
    before = digests(project)
    (project / "two.py").write_text("from gutaxis import c\n\nprint(c.X)\n")
    assert digests(project)[1] != before[1]


def test_the_text_is_that_of_ast_dump():
    """Of a tree without docstrings: digests are those of the first version, and older results stay valid."""
    for source in (Path(code.__file__), *sorted((SCRIPTS / "gutaxis/stats").glob("*.py"))):
        tree = ast.parse(source.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
                node.body[0] = ast.Pass()
        assert code._parse(source)[0].decode() == ast.dump(tree), source


def test_real_scripts_depend_on_their_own_module_only():
    names = {path.name for path in used_modules(script=SCRIPTS / "profile_taxa.py")}
    assert "metaphlan.py" in names
    assert "programs.py" in names
    assert "kneaddata.py" not in names
    assert "recovery.py" not in names
