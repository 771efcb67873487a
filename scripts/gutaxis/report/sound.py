"""Is the data sound: batches against biology, warnings of the sheets (T6), and the quality of each arm."""

from markupsafe import Markup

from gutaxis.report.items import Absent, Content, Figure, Item, Table, absent_unless
from gutaxis.report.numbers import listed, sentence, total
from gutaxis.report.sound_batches import (
    LINKED,
    batch_chart,
    batch_findings,
    batch_table,
    permanova_findings,
    permanova_table,
)
from gutaxis.report.sound_cells import cells_item
from gutaxis.report.sound_plasma import plasma_item
from gutaxis.report.sound_stool import stool_item
from gutaxis.report.sources import Results
from gutaxis.report.wording import in_words

WARNINGS = "clinical/warnings.tsv"
WARNING_HEADS = {"code": "Code", "file": "Sheet", "column": "Column", "value": "Value", "message": "Warning"}


def batches_item(results: Results) -> Content | Absent:
    """T6: which batches hold which samples, whether a batch is wholly one class, and what the sheets warn of."""
    missing = absent_unless(results, LINKED)
    if missing:
        return missing
    rows = results.table(LINKED)
    if rows.empty:
        return Absent(why="The sample sheets name no sample of a patient.")
    findings = [*batch_findings(results), *permanova_findings(results), _warnings(results)]
    blocks: list[Figure | Table] = []
    if rows["batch"].notna().any():
        blocks.append(Figure(title="What each batch holds", chart=batch_chart(rows=rows), source=LINKED))
    blocks.append(batch_table(rows=rows))
    tested = permanova_table(results)
    blocks += [tested] if tested else []
    if results.has(WARNINGS) and not results.table(WARNINGS).empty:
        table = in_words(rows=results.table(WARNINGS), heads=WARNING_HEADS)
        filters = ("Code",) if "Code" in table else ()
        blocks.append(Table(title="Warnings", rows=table, source=WARNINGS, filters=filters))
    return Content(findings=findings, counted=_counted(results), blocks=blocks)


def _warnings(results: Results) -> Markup:
    if not results.has(WARNINGS):
        return sentence("Warnings of the clinical arm: {why}", why=results.why(WARNINGS))
    rows = results.table(WARNINGS)
    if rows.empty:
        return Markup("The clinical arm has no warning.")
    codes = sorted(set(rows["code"].dropna().astype(str)))
    parts = [
        sentence("{n} of {code}", n=total(results=results, source=WARNINGS, where=[("code", "==", code)]), code=code)
        for code in codes
    ]
    n = total(results=results, source=WARNINGS)
    return sentence("The clinical arm warns of {n} findings: {parts}.", n=n, parts=listed(parts))


def _counted(results: Results) -> list[Markup]:
    samples = total(results=results, source=LINKED)
    patients = total(results=results, source=LINKED, what="distinct", column="patient_id")
    found = [
        sentence("n = {samples} samples of {patients} patients, controls apart.", samples=samples, patients=patients)
    ]
    rows = results.table(LINKED)
    if rows["batch"].isna().any():
        unknown = total(results=results, source=LINKED, where=[("batch", "missing", None)])
        found.append(sentence("Of {n} samples the batch is not known.", n=unknown))
    if rows["response"].isna().any():
        unknown = total(results=results, source=LINKED, where=[("response", "missing", None)])
        found.append(sentence("Of {n} samples the response is not known; they count for neither class.", n=unknown))
    return found


SOUND: tuple[Item, ...] = (
    Item(key="T6", title="Batches and warnings", section="sound", build=batches_item),
    Item(key="T6-stool", title="Quality of the metagenomes", section="sound", build=stool_item),
    Item(key="T6-plasma", title="Quality of the metabolome", section="sound", build=plasma_item),
    Item(key="T6-cells", title="Quality and identity of the single-cell samples", section="sound", build=cells_item),
)
