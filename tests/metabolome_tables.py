"""One small made-up table of metabolites, written in the format of each program and vendor. Simulated numbers."""

import json

import numpy as np
import pandas as pd
from openpyxl import Workbook

SAMPLES = ["P01_PRE", "P01_POST", "P02_PRE", "QC_1"]
NAMES = ["Tryptophan", "Kynurenine", "Hippurate", "Inosine", "Cholate", "Butyrylcarnitine"]
MZ = [205.0972, 209.0921, 180.0655, 269.088, 409.2949, 232.1543]
RT = [180.3, 150.0, 210.6, 96.0, 420.0, 240.0]  # seconds
FORMULAS = ["C11H12N2O2", "C10H12N2O3", "C9H9NO3", "C10H12N4O5", "C24H40O5", "C11H21NO4"]
VALUES = np.array(
    [
        [812345.5, 401234.25, 955000.0, 770000.0],
        [15234.0, 30111.75, np.nan, 21000.0],
        [99120.0, 88121.0, 120300.5, 101000.0],
        [np.nan, 5021.0, 4300.0, 4999.0],
        [70233.0, 1200.5, 33000.0, 34500.0],
        [61000.0, 62000.0, 58123.0, 60250.0],
    ]
)


def expected(ids):
    """The values as a reader has to return them."""
    return pd.DataFrame(VALUES, index=pd.Index(ids, name="feature"), columns=SAMPLES)


def text(value, gap=""):
    return gap if np.isnan(value) else repr(float(value))


def rows_of(gap=""):
    return [[text(value, gap) for value in row] for row in VALUES]


def write(path, rows, sign="\t"):
    path.write_text("".join(sign.join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return path


def write_xcms(path):
    """featureDefinitions beside featureValues, as write.csv writes them: with counts in classes of samples."""
    header = [
        "",
        "mzmed",
        "mzmin",
        "mzmax",
        "rtmed",
        "rtmin",
        "rtmax",
        "npeaks",
        "PRE",
        "POST",
        "QC",
        "ms_level",
        *SAMPLES,
    ]
    rows = [
        [f'"FT{at:02d}"', mz, mz - 0.001, mz + 0.001, rt, rt - 2, rt + 2, 5, 2, 1, 1, 1, *values]
        for at, (mz, rt, values) in enumerate(zip(MZ, RT, rows_of("NA"), strict=True), start=1)
    ]
    return write(path, [[f'"{name}"' for name in header], *rows], ",")


def write_mzmine(path):
    """The export for GNPS, with its empty last column."""
    header = ["row ID", "row m/z", "row retention time", "row identity (main ID)"]
    header += [f"{name}.mzML Peak {kind}" for kind in ("area", "height") for name in SAMPLES]
    rows = [
        [at, mz, rt / 60, name if at != 2 else "", *values, *["7.5"] * 4, ""]
        for at, (mz, rt, name, values) in enumerate(zip(MZ, RT, NAMES, rows_of("0.0"), strict=True), start=1)
    ]
    return write(path, [[*header, ""], *rows], ",")


def write_mzmine_modular(path):
    """The modular export; the value of the first feature in the last sample was filled in."""
    header = ["id", "area", "mz", "rt", "compound_name", "ion_identities:ion_identities"]
    header += [f"datafile:{name}.mzML:{what}" for name in SAMPLES for what in ("feature_state", "area", "height")]
    rows = []
    for at, (mz, rt, name) in enumerate(zip(MZ, RT, NAMES, strict=True), start=1):
        row = [at, 1, mz, rt / 60, name, "[M+H]+"]
        for sample, value in zip(SAMPLES, VALUES[at - 1], strict=True):
            state = "UNKNOWN" if np.isnan(value) else "ESTIMATED" if (at, sample) == (1, "QC_1") else "DETECTED"
            row += [state, text(value), "7.5"]
        rows.append(row)
    return write(path, [header, *rows], ",")


def write_msdial(path):
    """Alignment result of version 4: four rows above the header, averages of classes behind the samples."""
    header = ["Alignment ID", "Average Rt(min)", "Average Mz", "Metabolite name", "Adduct type", "Formula", "INCHIKEY",
              "MS/MS spectrum"]  # fmt: skip
    gap = [""] * (len(header) - 1)
    above = [
        [*gap, "Class", "A", "B", "A", "QC", "NA", "NA"],
        [*gap, "File type", "Sample", "Sample", "Sample", "QC", "NA", "NA"],
        [*gap, "Injection order", 1, 2, 3, 4, "NA", "NA"],
        [*gap, "Batch ID", 1, 1, 1, 1, "Average", "Stdev"],
    ]
    names = ["w/o MS2:Tryptophan", "Unknown", *NAMES[2:]]
    rows = [
        [at, rt / 60, mz, name, "[M+H]+", formula, "null", '35.1:7 "x', *values, 5.5, 0.1]
        for at, (rt, mz, name, formula, values) in enumerate(zip(RT, MZ, names, FORMULAS, rows_of("0"), strict=True))
    ]
    return write(path, [*above, [*header, *SAMPLES, "A", "A"], *rows])


def write_progenesis(path):
    """Compound measurements: normalised abundances (twice the raw ones), then raw ones."""
    lead = ["Compound", "Neutral mass (Da)", "m/z", "Charge", "Retention time (min)", "Maximum Abundance"]
    tail = ["Accepted Compound ID", "Accepted Description", "Adducts", "Formula"]
    gap = [""] * len(lead)
    above = [
        [*gap, "Normalised abundance", "", "", "", "Raw abundance", "", "", "", *[""] * 4],
        [*gap, "A", "", "", "QC", "A", "", "", "QC", *[""] * 4],
    ]
    rows = []
    for mz, rt, name, values in zip(MZ, RT, NAMES, VALUES, strict=True):
        twice = [text(2 * value, "0") for value in values]
        rows.append(
            [f"{rt / 60:.2f}_{mz:.4f}m/z", "", mz, 1, rt / 60, 9, *twice, *[text(v, "0") for v in values], "CSID1",
             name,
             '"M+H, M+Na"', ""]
        )  # fmt: skip
    return write(path, [*above, [*lead, *SAMPLES, *SAMPLES, *tail], *rows], ",")


def write_metaboanalyst(path, *, rows_are="features"):
    """With the labels that must never be read: here they are the response."""
    labels = ["R", "R", "NR", "QC"]
    if rows_are == "features":
        rows = [[f'"{name}"', *values] for name, values in zip(NAMES, rows_of("NA"), strict=True)]
        return write(path, [["Sample", *SAMPLES], ["Label", *labels], *rows], ",")
    columns = zip(SAMPLES, labels, zip(*rows_of("NA"), strict=True), strict=True)
    return write(path, [["Sample", "Label", *NAMES], *[[name, label, *values] for name, label, values in columns]], ",")


def write_plain(path, *, rows_are="features", sign="\t"):
    if rows_are == "features":
        rows = [[name, mz, *values] for name, mz, values in zip(NAMES, MZ, rows_of("NA"), strict=True)]
        return write(path, [["id", "mz", *SAMPLES], *rows], sign)
    rows = [[name, *values] for name, values in zip(SAMPLES, zip(*rows_of("NA"), strict=True), strict=True)]
    return write(path, [["sample", *NAMES], *rows], sign)


def write_mwtab(path):
    """Names have underscores in the data and commas in the block of metabolites, as in public files."""
    names = ["1_2-TRYPTOPHAN", *NAMES[1:]]
    said = ["1,2-TRYPTOPHAN", *NAMES[1:]]
    rows = [
        ["#METABOLOMICS WORKBENCH STUDY_ID:ST000001 ANALYSIS_ID:AN000001"], ["VERSION", 1], ["#MS"],
        ["MS:ION_MODE                      ", "NEGATIVE"], ["#MS_METABOLITE_DATA"],
        ["MS_METABOLITE_DATA:UNITS         ", "peak height"], ["MS_METABOLITE_DATA_START"], ["Samples", *SAMPLES],
        ["Factors", *["Response:R | Visit:1"] * 4],
        *[[name, *values] for name, values in zip(names, rows_of(), strict=True)],
        ["MS_METABOLITE_DATA_END"], ["#METABOLITES"], ["METABOLITES_START"],
        ["metabolite_name", "moverz_quant", "pubchem_id", "kegg_id"],
        *[[name, mz, 1148] for name, mz in zip(said, MZ, strict=True)], ["METABOLITES_END"], ["#END"],
    ]  # fmt: skip
    return write(path, rows)


def mwtab_json():
    """The JSON form that Metabolomics Workbench gives today."""
    data = [
        {"Metabolite": name, **dict(zip(SAMPLES, values, strict=True))}
        for name, values in zip(NAMES, rows_of(), strict=True)
    ]
    about = [
        {"Metabolite": name, "pubchem_id": "1148", "moverz_quant": str(mz)} for name, mz in zip(NAMES, MZ, strict=True)
    ]
    factors = [{"Sample ID": name, "Factors": {"Response": "R"}} for name in SAMPLES]
    return {
        "METABOLOMICS WORKBENCH": {"STUDY_ID": "ST000001"},
        "SUBJECT_SAMPLE_FACTORS": factors,
        "MS": {"ION_MODE": "NEGATIVE"},
        "MS_METABOLITE_DATA": {"Units": "peak height", "Data": data, "Metabolites": about, "Extended": []},
    }


def write_mwtab_json(path):
    path.write_text(json.dumps(mwtab_json()), encoding="utf-8")
    return path


def write_mwtab_old_json(path):
    """The JSON form of the first versions of the package mwtab."""
    block = mwtab_json()["MS_METABOLITE_DATA"]
    data = [{"metabolite_name": row.pop("Metabolite"), **row} for row in block["Data"]]
    about = [{"metabolite_name": row.pop("Metabolite"), **row} for row in block["Metabolites"]]
    content = {
        "MS": {"ION_MODE": "NEGATIVE"},
        "MS_METABOLITE_DATA": {
            "MS_METABOLITE_DATA:UNITS": "peak height",
            "MS_METABOLITE_DATA_START": {"Samples": SAMPLES, "Factors": ["Response:R"] * 4, "DATA": data},
        },
        "METABOLITES": {"METABOLITES_START": {"Fields": ["metabolite_name"], "DATA": about}},
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_mztab(path, *, scale="[MS, MS:1002896, compound identification confidence level, ]"):
    """Six molecules; the first has a second, weaker feature. Lines end in tabs, as some programs write them."""
    lines = [
        "MTD\tmzTab-version\t2.0.0-M", "MTD\tmzTab-ID\tmade-up",
        *[f"MTD\tms_run[{at}]-location\tfile:///data/{name}.mzML" for at, name in enumerate(SAMPLES, 1)],
        *[f"MTD\tms_run[{at}]-scan_polarity[1]\t[MS, MS:1000130, positive scan, ]" for at in range(1, 5)],
        *[f"MTD\tassay[{at}]\t{name}" for at, name in enumerate(SAMPLES, 1)],
        *[f"MTD\tassay[{at}]-ms_run_ref\tms_run[{at}]" for at in range(1, 5)],
        "MTD\tsmall_molecule-quantification_unit\t[, , Progenesis QI Normalised Abundance, ]",
        "MTD\tsmall_molecule_feature-quantification_unit\t[, , peak area, ]",
        f"MTD\tsmall_molecule-identification_reliability\t{scale}", "",
    ]  # fmt: skip
    assays = "\t".join(f"abundance_assay[{at}]" for at in range(1, 5))
    lines.append(f"SMH\tSML_ID\tSMF_ID_REFS\tdatabase_identifier\tchemical_formula\tchemical_name\tadduct_ions\treliability"
                 f"\t{assays}\tabundance_study_variable[1]")  # fmt: skip
    names = ["Tryptophan", "1234", *NAMES[2:]]
    for at, (name, formula, values) in enumerate(zip(names, FORMULAS, rows_of("null"), strict=True)):
        peaks = f"{at} | 90" if at == 0 else str(at)
        cells = [
            at,
            peaks,
            "CHEBI:16828" if at == 0 else "null",
            formula,
            name,
            "[M+H]1+",
            "2a" if at == 0 else 4,
            *values,
            1,
        ]
        lines.append("\t".join(map(str, ["SML", *cells])) + "\t\t")
    lines += ["\t\t\t", f"SFH\tSMF_ID\tadduct_ion\texp_mass_to_charge\tcharge\tretention_time_in_seconds\t{assays}"]
    for at, (mz, rt, values) in enumerate(zip(MZ, RT, rows_of("null"), strict=True)):
        lines.append("\t".join(map(str, ["SMF", at, "[M+H]1+", mz, 1, rt, *values])))
    lines.append("\t".join(["SMF", "90", "[M+Na]1+", "227.0791", "1", "181", "5", "6", "7", "8"]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


CHEM_IDS = [100, 200, 300, 400, 500, 600]
PARENTS = ["DUKE-01", "DUKE-02", "DUKE-03", "CMTRX-1"]


def metabolon_book(*, log_base=np.e, response=True):
    """A client data table: peak areas are twice the batch-normalised values; the imputed ones have half the minimum."""
    filled = np.where(np.isnan(VALUES), np.nanmin(VALUES, axis=1, keepdims=True) / 2, VALUES)
    book = Workbook()
    book.active.title = "Data Key & Explanation"
    book.active.append(["made-up numbers"])
    annotation = book.create_sheet("Chemical Annotation")
    annotation.append(["CHEM_ID", "CHEMICAL_NAME", "PLATFORM", "HMDB", "KEGG", "INCHIKEY", "TYPE"])
    for at, chem_id in enumerate(CHEM_IDS):
        name = "X - 12345" if at == 1 else NAMES[at]
        annotation.append(
            [chem_id, name, "LC/MS Neg" if at % 2 else "LC/MS Pos Early", f"HMDB{at:07d}", None, None, "NAMED"]
        )
    samples = book.create_sheet("Sample Meta Data")
    samples.append(["PARENT_SAMPLE_NAME", "CLIENT_SAMPLE_ID", *(["RESPONSE"] if response else [])])
    for parent, name in zip(PARENTS, [*SAMPLES[:3], None], strict=True):
        samples.append([parent, name, *(["R"] if response else [])])
    for title, numbers in (
        ("Peak Area Data", 2 * VALUES), ("Batch-normalized Data", VALUES), ("Batch-norm Imputed Data", filled),
        ("Log Transformed Data", np.log(filled) / np.log(log_base)),
    ):  # fmt: skip
        sheet = book.create_sheet(title)
        sheet.append(["PARENT_SAMPLE_NAME", *CHEM_IDS])
        for parent, column in zip(PARENTS, numbers.T, strict=True):
            sheet.append([parent, *[None if np.isnan(value) else float(value) for value in column]])
    return book, filled


def metabolon_old_book():
    """The older workbook: compounds in rows; samples described above, with a row that must never be read."""
    book = Workbook()
    book.remove(book.active)
    filled = np.where(np.isnan(VALUES), np.nanmin(VALUES, axis=1, keepdims=True) / 2, VALUES)
    medians = np.nanmedian(VALUES, axis=1, keepdims=True)
    for title, numbers in (("OrigScale", VALUES), ("ScaledImpData", filled / medians)):
        sheet = book.create_sheet(title)
        gap = [None] * 4
        sheet.append([*gap, "SAMPLE_NAME", *PARENTS])
        sheet.append([*gap, "CLIENT IDENTIFIER", *SAMPLES])
        sheet.append([*gap, "RESPONSE", "R", "NR", "R", None])
        sheet.append(["BIOCHEMICAL", "SUPER PATHWAY", "COMP ID", "PLATFORM", "Group   HMDB", *["R"] * 4])
        for at, row in enumerate(numbers):
            values = [None if np.isnan(value) else float(value) for value in row]
            sheet.append([NAMES[at], "Amino Acid", CHEM_IDS[at], "LC/MS Neg", f"HMDB{at:05d}", *values])
    return book, filled / medians


def write_book(book, path):
    book.save(path)
    return path
