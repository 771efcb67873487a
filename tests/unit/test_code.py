"""Code digest: an edit reruns what uses the module, comments and docstrings rerun nothing."""

import ast
import json
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


def forget():
    """As a new process."""
    for cached in (code._parse, code._module_file, code._state, code._stored, code_digest):
        cached.cache_clear()


def digests(project, *, store=False):
    forget()
    return [code_digest(script=project / f"{name}.py", store=store) for name in ("one", "two")]


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


def test_stored_digests_are_the_computed_ones_and_spare_the_reading(project, monkeypatch):
    computed = digests(project)
    assert digests(project, store=True) == computed
    assert (project / code.STORE).exists()
    monkeypatch.setattr(code, "_parse", lambda path: pytest.fail(f"{path} was parsed"))
    for cached in (code._state, code._stored, code_digest):
        cached.cache_clear()
    assert [code_digest(script=project / f"{name}.py") for name in ("one", "two")] == computed


@pytest.mark.parametrize("change", ["edit", "new module", "script", "python"])
def test_stored_digests_of_other_sources_are_not_believed(project, monkeypatch, change):
    (project / "two.py").write_text("from gutaxis import later\n")
    before = digests(project, store=True)
    if change == "edit":
        # of the same length: neither size nor time tells
        (project / "gutaxis/b.py").write_text("def g():\n    return 2\n")
    elif change == "new module":
        (project / "gutaxis/later.py").write_text("Y = 1\n")
    elif change == "script":
        (project / "one.py").write_text("from gutaxis.a import f\n\nf()\n")
    else:
        monkeypatch.setattr(code.sys, "version", "3.11.99")
        forget()
        assert code._stored(root=project) == {}
        return
    after = digests(project)
    assert [old != new for old, new in zip(before, after, strict=True)] == [
        change != "new module",
        change == "new module",
    ]
    stored = digests(project, store=True)
    assert stored == after and json.loads((project / code.STORE).read_text())[1]["one.py"] == after[0]


@pytest.mark.parametrize("text", ["", "[", "{}", "3", '["x"]', '["x", {}, 1]'])
def test_a_broken_store_is_made_anew(project, text):
    computed = digests(project)
    store = project / code.STORE
    store.parent.mkdir(exist_ok=True)
    store.write_text(text)
    assert digests(project) == computed
    assert digests(project, store=True) == computed
    assert json.loads(store.read_text())[1]["two.py"] == computed[1]


def test_a_folder_that_cannot_be_written_costs_time_only(project, monkeypatch):
    computed = digests(project)

    def denied(path):
        raise PermissionError(path)

    monkeypatch.setattr(code, "atomic_write", denied)
    assert digests(project, store=True) == computed


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
