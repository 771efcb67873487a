"""Coverage of the panel: which compounds of the axis were found, how surely, and which this assay cannot see."""

import pandas as pd

COVERAGE_COLUMNS = ["compound", "class", "formula", "status", "level", "n_features", "features", "adducts", "note"]
STATUS = {1: "identified", 2: "identified", 3: "tentative", 4: "mass only", 5: "mass only"}


def panel_coverage(*, annotations: pd.DataFrame, candidates: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Say for each panel compound how well it was found; what an ordinary assay cannot see is not called absent.

    Parameters
    ----------
    annotations, candidates
        Of :func:`gutaxis.metabolome.annotate.annotate`.
    panel
        Of :func:`gutaxis.metabolome.panel.read_panel`.

    Returns
    -------
    pandas.DataFrame
        :data:`COVERAGE_COLUMNS`, in the order of the panel. Status: ``identified`` (level 1 or 2), ``tentative`` (3),
        ``mass only`` (4 or 5), ``not found``, or ``not assayed`` (short-chain fatty acids without derivatisation).
    """
    named: dict[str, list[str]] = {}
    for feature, names in annotations["names"].dropna().items():
        for name in names.split(";"):
            named.setdefault(name, []).append(feature)
    ions = dict(iter(candidates.groupby(["feature", "name"]))) if len(candidates) else {}
    rows = []
    for row in panel.itertuples():
        features = named.get(row.Index, [])
        level = annotations.loc[features, "level"].min() if features else None
        seen = [ions[feature, row.Index]["adduct"].iloc[0] for feature in features if (feature, row.Index) in ions]
        alone = any(annotations.at[feature, "compound"] == row.Index for feature in features)
        note = None if alone or not features else "only together with other names"
        if not features and row.assay == "derivatised":
            status, note = "not assayed", "seen after derivatisation only: not finding it says nothing"
        elif not features:
            status = "not found"
        else:
            status = STATUS[int(level)]
        rows.append((
            row.Index, panel.at[row.Index, "class"], row.formula, status, level,
            len(features), ";".join(features) or None, ";".join(dict.fromkeys(filter(pd.notna, seen))) or None, note,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=COVERAGE_COLUMNS).astype({"level": "Int64"})
