"""Distances, PERMANOVA, dispersion, ordination against R vegan: on its dune data, live and with pinned numbers."""

import functools
import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from gutaxis.stats.contrast_permanova import martingale
from gutaxis.stats.dispersion import dispersion_f, dispersion_test, distances_to_centre
from gutaxis.stats.distances import distance_matrix
from gutaxis.stats.ordination import principal_coordinates
from gutaxis.stats.permanova import gower, permanova
from gutaxis.stats.permutations import Arrangements, permute_rows

pytestmark = pytest.mark.oracle
CLOSE = {"rel": 1e-6, "abs": 1e-9}
#: vegan 2.6-4, Bray-Curtis: SS, R2, F of d ~ A1 + Management + Moisture, and p of 9,999 permutations.
MARGIN = {
    "A1": (1, 0.1934355, 0.0449952, 1.5627235, 0.1741),
    "Management": (3, 0.9036212, 0.2101923, 2.4333865, 0.0083),
    "Moisture": (3, 0.9041687, 0.2103196, 2.4348608, 0.0079),
}
SEQUENTIAL = {
    "A1": (0.1681666, 5.8405706, 0.0002),
    "Management": (0.2759998, 3.1952374, 0.0011),
    "Moisture": (0.2103196, 2.4348608, 0.0071),
}
R_JSON = r"""
options(digits = 17)
json <- function(...) { l <- list(...)
  cat("{", paste(sprintf('"%s": [%s]', names(l), sapply(l, function(x) paste(format(as.numeric(x), digits = 17,
    scientific = TRUE, trim = TRUE), collapse = ", "))), collapse = ", "), "}\n") }
suppressMessages(library(vegan)); data(dune); data(dune.env)
d <- vegdist(dune); e <- dune.env; e$Moisture <- factor(e$Moisture, ordered = FALSE)
"""


@functools.cache
def missing() -> str | None:
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    probe = subprocess.run(["Rscript", "-e", "library(vegan)"], capture_output=True, check=False)
    return "the R package vegan is not installed" if probe.returncode else None


def run_r(script: str) -> dict[str, np.ndarray]:
    if missing():
        pytest.skip(missing())
    # by way of stdin: a command line has a limit
    done = subprocess.run(["Rscript", "-"], input=R_JSON + script, capture_output=True, text=True, check=True)
    return {name: np.array(values, dtype=float) for name, values in json.loads(done.stdout.splitlines()[-1]).items()}


@pytest.fixture(scope="module")
def dune() -> dict[str, np.ndarray]:
    """Counts, distances and the three variables as model columns, from R."""
    found = run_r("""
    json(counts = as.matrix(dune), d = as.matrix(d), a1 = e$A1,
      management = model.matrix(~ e$Management)[, -1], moisture = model.matrix(~ e$Moisture)[, -1],
      group = as.integer(e$Management))""")
    found["d"] = found["d"].reshape(20, 20)
    found["counts"] = found["counts"].reshape(-1, 20).T
    return found


def model(dune: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, tuple[int, ...]]]:
    management, moisture = (dune[name].reshape(3, 20).T for name in ("management", "moisture"))
    matrix = np.column_stack([np.ones(20), dune["a1"], management, moisture])
    return matrix, {"A1": (1,), "Management": (2, 3, 4), "Moisture": (5, 6, 7)}


def layer(counts: np.ndarray, kind: str = "compositional") -> AnnData:
    names = [f"S{number:02d}" for number in range(len(counts))]
    features = [f"f{number}" for number in range(counts.shape[1])]
    return AnnData(
        counts.astype(float), obs=pd.DataFrame(index=names), var=pd.DataFrame(index=features),
        uns={"kind": kind, "name": "dune"},
    )  # fmt: skip


def test_dune_margin_and_terms(dune):
    matrix, terms = model(dune)
    gram = gower(distances=dune["d"])
    free = permute_rows(blocks=np.zeros(20), permutations=9999, seed=1)
    table = permanova(gram=gram, matrix=matrix, terms=terms, arrangements=free).set_index("term")
    for term, (df, ss, r2, f, p) in MARGIN.items():
        row = table.loc[term]
        assert (row["df"], row["ss"], row["r2"], row["f"]) == pytest.approx((df, ss, r2, f), rel=1e-6)
        assert row["p"] == pytest.approx(p, abs=4 * np.sqrt(2 * p * (1 - p) / 9999))
    assert table.loc["Residual", ["df", "ss"]].to_list() == pytest.approx([12, 1.4853722], rel=1e-6)
    assert table.loc["Total", "ss"] == pytest.approx(4.2990219, rel=1e-7)
    table = permanova(gram=gram, matrix=matrix, terms=terms, arrangements=free, by="terms").set_index("term")
    for term, (r2, f, p) in SEQUENTIAL.items():
        assert table.loc[term, ["r2", "f"]].to_list() == pytest.approx([r2, f], rel=1e-6)
        assert table.loc[term, "p"] == pytest.approx(p, abs=4 * np.sqrt(2 * p / 9999) + 2e-4)


def test_adonis2_live_on_the_same_permutations(dune):
    """F, R2 and every p value: R gets the very arrangements that we use."""
    matrix, terms = model(dune)
    chosen = permute_rows(blocks=np.repeat([0, 1, 2, 3], 5), permutations=199, seed=3)
    inverse = np.argsort(chosen.order, axis=1)
    rows = ", ".join(str(index + 1) for index in inverse.T.ravel())
    expected = run_r(f"""
    perm <- matrix(c({rows}), nrow = 199)
    m <- adonis2(d ~ A1 + Management + Moisture, e, by = "margin", permutations = perm)
    t <- adonis2(d ~ A1 + Management + Moisture, e, by = "terms", permutations = perm)
    json(ss = m[[2]], r2 = m[[3]], f = m[[4]][1:3], p = m[[5]][1:3], tss = t[[2]], tf = t[[4]][1:3], tp = t[[5]][1:3])
    """)
    for by, prefix in (("margin", ""), ("terms", "t")):
        table = permanova(
            gram=gower(distances=dune["d"]), matrix=matrix, terms=terms, arrangements=chosen, by=by, permute="raw"
        )
        assert table["ss"].to_numpy() == pytest.approx(expected[f"{prefix}ss"], **CLOSE)
        assert table["f"].to_numpy()[:3] == pytest.approx(expected[f"{prefix}f"], **CLOSE)
        if by == "margin":
            assert table["r2"].to_numpy() == pytest.approx(expected["r2"], **CLOSE)
        # one tie more or less would be 0.005
        assert table["p"].to_numpy()[:3].astype(float) == pytest.approx(expected[f"{prefix}p"], abs=1e-9)


def test_dune_blocked_is_exact(dune):
    """Rows paired 1-2, 3-4, ...: 1,024 arrangements, of which 168 are as extreme, whatever else is in the model."""
    pairs = np.repeat(np.arange(10), 2)
    time = np.tile([0.0, 1.0], 10)
    gram = gower(distances=dune["d"])
    swapped = permute_rows(blocks=pairs, permutations=9999, seed=1)
    assert (swapped.count, swapped.exact) == (1023, True)
    alone = permanova(
        gram=gram, matrix=np.column_stack([np.ones(20), time]), terms={"time": (1,)}, arrangements=swapped
    ).set_index("term")
    assert alone.loc["time", ["f", "r2"]].to_list() == pytest.approx([1.02814, 0.0540328], rel=1e-5)
    assert alone.loc["time", "p"] == 168 / 1024
    blocks = np.column_stack([np.ones(20), *(pairs == number for number in range(1, 10)), time]).astype(float)
    given = permanova(gram=gram, matrix=blocks, terms={"time": (10,)}, arrangements=swapped).set_index("term")
    assert given.loc["time", "f"] == pytest.approx(1.55953, rel=1e-5)
    assert given.loc["time", "p"] == 168 / 1024


def test_dune_blocked_live(dune):
    expected = run_r("""
    e$blk <- gl(10, 2); e$tm <- rep(0:1, 10)
    a <- adonis2(d ~ tm, e, by = "margin", permutations = 9); b <- adonis2(d ~ blk + tm, e, by = "margin",
      permutations = 9)
    json(f = c(a[[4]][1], b[[4]][2]), r2 = c(a[[3]][1], b[[3]][2]))""")
    pairs, time = np.repeat(np.arange(10), 2), np.tile([0.0, 1.0], 10)
    blocks = np.column_stack([np.ones(20), *(pairs == number for number in range(1, 10)), time]).astype(float)
    few = permute_rows(blocks=pairs, permutations=9, seed=1)
    for place, (matrix, own) in enumerate([(np.column_stack([np.ones(20), time]), (1,)), (blocks, (10,))]):
        table = permanova(gram=gower(distances=dune["d"]), matrix=matrix, terms={"time": own}, arrangements=few)
        assert table.loc[0, ["f", "r2"]].to_list() == pytest.approx(
            [expected["f"][place], expected["r2"][place]], **CLOSE
        )


@pytest.mark.parametrize("adjust", [False, True])
@pytest.mark.parametrize(("centre", "pinned"), [("median", 1.950640), ("centroid", 3.868699)])
def test_betadisper(dune, centre, pinned, adjust):
    expected = run_r(f"""
    b <- betadisper(d, e$Management, type = "{centre}", bias.adjust = {str(adjust).upper()})
    json(z = b$distances, f = anova(b)[1, 4], p = permutest(b, permutations = 9999)$tab[1, 6])""")
    groups = dune["group"]
    gram = gower(distances=dune["d"])
    spread = distances_to_centre(gram=gram, groups=groups, centre=centre, bias_adjust=adjust)
    # vegan finds the median by a general optimiser that stops at 1e-8 of the sum of distances
    assert spread == pytest.approx(expected["z"], abs=1e-6 if centre == "centroid" else 2e-4)
    f, p = dispersion_test(
        spread=spread, groups=groups, arrangements=permute_rows(blocks=np.zeros(20), permutations=9999, seed=1)
    )
    assert f == pytest.approx(expected["f"][0], rel=1e-6 if centre == "centroid" else 1e-4)
    assert p == pytest.approx(expected["p"][0], abs=0.02)
    if not adjust:
        assert f == pytest.approx(pinned, rel=1e-6 if centre == "centroid" else 1e-5)


def test_betadisper_median_converged(dune):
    """With vegan's optimiser run to the end (reltol 1e-15) F of the median agrees to 1e-6."""
    expected = run_r("""
    tight <- vegan:::ordimedian
    body(tight) <- parse(text = gsub('method = "BFGS"', 'method = "BFGS", control = list(reltol = 1e-15, maxit = 1e4)',
      paste(deparse(body(tight)), collapse = "\\n"), fixed = TRUE))[[1]]
    assignInNamespace("ordimedian", tight, "vegan")
    b <- betadisper(d, e$Management, type = "median")
    json(z = b$distances, f = anova(b)[1, 4])""")
    spread = distances_to_centre(gram=gower(distances=dune["d"]), groups=dune["group"], centre="median")
    assert spread == pytest.approx(expected["z"], abs=1e-6)
    found = dispersion_f(spread=spread[None, :], groups=dune["group"])[0]
    assert found == pytest.approx(expected["f"][0], rel=1e-6)


def test_distances_and_coordinates(dune):
    expected = run_r("""
    p <- dune / rowSums(dune); jac <- vegdist(dune > 0, "jaccard")
    x <- dune; x[x == 0] <- 0.5; ait <- dist(log(x) - rowMeans(log(x)))
    json(bray = as.matrix(vegdist(p)), jaccard = as.matrix(jac), aitchison = as.matrix(ait),
      eig = eigen(vegan:::initDBRDA(d))$values, points = abs(cmdscale(d, 2)))""")
    adata = layer(dune["counts"])
    for metric, name in (("braycurtis", "bray"), ("jaccard", "jaccard"), ("aitchison", "aitchison")):
        found = distance_matrix(adata=adata, metric=metric).values.to_numpy()
        assert found == pytest.approx(expected[name].reshape(20, 20), rel=1e-10, abs=1e-12), metric
    names = [f"S{number:02d}" for number in range(20)]
    found = principal_coordinates(distances=pd.DataFrame(dune["d"], index=names, columns=names))
    positive = expected["eig"][expected["eig"] > 1e-9]
    assert found.axes["eigenvalue"].to_numpy() == pytest.approx(positive, rel=1e-9)
    assert found.axes["eigenvalue"].head(3).to_list() == pytest.approx([1.716266, 1.022398, 0.461464], rel=1e-6)
    eigenvalues = expected["eig"]
    share = -eigenvalues[eigenvalues < 0].sum() / np.abs(eigenvalues).sum()
    assert found.negative_share == pytest.approx(share, rel=1e-9)
    assert np.abs(found.points.to_numpy()[:, :2]) == pytest.approx(expected["points"].reshape(2, 20).T, rel=1e-8)


def test_martingale_residuals():
    expected = run_r("""
    library(survival); t <- c(5, 8, 8, 12, 12, 12, 20, 21, 30, 31); s <- c(1, 1, 0, 1, 1, 0, 0, 1, 1, 0)
    json(r = residuals(coxph(Surv(t, s) ~ 1, ties = "breslow")))""")
    time = np.array([5, 8, 8, 12, 12, 12, 20, 21, 30, 31], dtype=float)
    event = np.array([1, 1, 0, 1, 1, 0, 0, 1, 1, 0], dtype=float)
    found = martingale(time=time, event=event, strata=np.zeros(10))
    assert found == pytest.approx(expected["r"], abs=1e-10)


def test_arrangements_mean_the_same_as_in_r(dune):
    """One arrangement that is not its own inverse, against the definition G[order][:, order]."""
    matrix, terms = model(dune)
    order = np.roll(np.arange(20), 3)[None, :]
    cycle = Arrangements(order=order, signs=None, exact=False, scheme="cycle")
    gram = gower(distances=dune["d"])
    table = permanova(gram=gram, matrix=matrix, terms=terms, arrangements=cycle).set_index("term")
    back = np.argsort(order[0])
    moved = permanova(gram=gram[np.ix_(back, back)], matrix=matrix, terms=terms, arrangements=cycle).set_index("term")
    for term in terms:
        assert table.loc[term, "p"] == (1.0 if moved.loc[term, "f"] >= table.loc[term, "f"] else 0.5)
