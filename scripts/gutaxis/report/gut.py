"""What changed in the gut: alpha and beta diversity, species, pathways."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from gutaxis.report.changes import changes_figure
from gutaxis.report.differential import contrasts_of, counted, features_table, findings
from gutaxis.report.diversity import (
    alpha_blocks,
    alpha_counted,
    alpha_files,
    alpha_findings,
    beta_blocks,
    beta_counted,
    beta_findings,
    metrics_of,
)
from gutaxis.report.effects import effects_figure
from gutaxis.report.items import Absent, Content, Figure, Item, Table, absent_unless
from gutaxis.report.numbers import sentence
from gutaxis.report.paired import SAMPLES
from gutaxis.report.signatures import signature_blocks, signature_findings
from gutaxis.report.sources import LayerInfo, Results

NAMES = {"taxa": "Species", "pathways": "Pathways", "genes": "Gene families"}
#: Layers of functions; all others of the gut are of organisms.
FUNCTIONS = ("pathways", "genes")


def layer_words(*, layer: LayerInfo) -> str:
    """Return what a layer is called on the page."""
    return NAMES.get(layer.name, layer.name.replace("_", " "))


def alpha_item(results: Results) -> Content | Absent:
    """F6: alpha diversity before and after, by response, of every gut layer that has one."""
    if missing := absent_unless(results, SAMPLES):
        return missing
    layers = [
        layer for layer in _layers(results=results) if results.has(*alpha_files(layer=layer.name))
    ]  # fmt: skip
    if not layers:
        return _no_layer(results=results, name="diversity/taxa/alpha_diversity.tsv")
    return _together(results=results, layers=layers, parts=(alpha_findings, alpha_counted, alpha_blocks))


def beta_item(results: Results) -> Content | Absent:
    """F7: ordination, PERMANOVA with permutations that keep patients together, shift within patients."""
    layers = [layer for layer in _layers(results=results) if metrics_of(results=results, layer=layer.name)]
    if not layers:
        return _no_layer(results=results, name="diversity/taxa/permanova_aitchison.tsv")
    return _together(results=results, layers=layers, parts=(beta_findings, beta_counted, beta_blocks))


def species_item(results: Results) -> Content | Absent:
    """F8: species in every contrast, their change in each patient, TOPOSCORE and class of Akkermansia."""
    layers = [layer for layer in _layers(results=results) if not _is_function(layer=layer)]
    made = differential_content(results=results, layers=layers, changes=True)
    if made is None:
        return _no_layer(results=results, name="differential/taxa/baseline.tsv")
    said, blocks = list(made.findings), list(made.blocks)
    for layer in layers:
        source = f"diversity/{layer.name}/signatures.tsv"
        if results.has(source, SAMPLES):
            said += signature_findings(results=results, source=source)
            blocks += signature_blocks(results=results, source=source)
    return Content(findings=said, counted=made.counted, blocks=blocks)


def pathways_item(results: Results) -> Content | Absent:
    """F9: pathways (and gene families) in every contrast."""
    layers = [layer for layer in _layers(results=results) if _is_function(layer=layer)]
    made = differential_content(results=results, layers=layers, changes=True)
    return made or _no_layer(results=results, name="differential/pathways/baseline.tsv")


def differential_content(
    *, results: Results, layers: Sequence[LayerInfo], changes: bool
) -> Content | None:  # fmt: skip
    """Return the contrasts of one or more layers; None if none of them has a table.

    Parameters
    ----------
    results, layers
        The layers.
    changes
        Whether the change of each patient is drawn.
    """
    said: list[Markup] = []
    about: list[Markup] = []
    blocks: list[Figure | Table] = []
    for layer in layers:
        if not contrasts_of(results=results, layer=layer.name):
            continue
        name = layer_words(layer=layer)
        said += findings(results=results, layer=layer.name, name=name)
        about += [_named(name=name, line=line, of=layers) for line in counted(results=results, layer=layer.name)]
        blocks.append(effects_figure(results=results, layer=layer.name, name=name))
        if changes and results.has(f"layers/{layer.name}.tsv", SAMPLES):
            blocks.append(changes_figure(results=results, layer=layer, name=name))
        blocks.append(features_table(results=results, layer=layer.name, name=name))
    return Content(findings=said, counted=about, blocks=blocks) if blocks else None


def _layers(*, results: Results) -> list[LayerInfo]:
    """Return the layers of the gut: species first, pathways after them, then what the user added."""
    order = list(NAMES)
    return sorted(
        results.in_room("gut"),
        key=lambda layer: (order.index(layer.name) if layer.name in order else len(order), layer.name),
    )


def _is_function(*, layer: LayerInfo) -> bool:
    return layer.source == "humann" or layer.name in FUNCTIONS


def _no_layer(*, results: Results, name: str) -> Absent:
    return Absent(
        why=results.why(name),
        mend="Name stool samples (assay MGX) in the sample sheets, or a finished table in the config (layers).",
    )


Parts = tuple[
    Callable[..., list[Markup]], Callable[..., list[Markup]], Callable[..., list[Figure | Table]]
]  # fmt: skip


def _together(*, results: Results, layers: Sequence[LayerInfo], parts: Parts) -> Content:
    """Return the content of several layers, one after the other."""
    tell, count, draw = parts
    said, about, blocks = [], [], []
    for layer in layers:
        name = layer_words(layer=layer)
        said += tell(results=results, layer=layer.name, name=name)
        about += [_named(name=name, line=line, of=layers) for line in count(results=results, layer=layer.name)]
        blocks += draw(results=results, layer=layer.name, name=name)
    return Content(findings=said, counted=about, blocks=blocks)


def _named(*, name: str, line: Markup, of: Sequence[LayerInfo]) -> Markup:
    """Say of which layer a line is, where there are several."""
    return sentence("{name}: {line}", name=name, line=line) if len(of) > 1 else line


GUT: tuple[Item, ...] = (
    Item(key="F6", title="Alpha diversity before and after, by response", section="gut", build=alpha_item),
    Item(key="F7", title="Beta diversity: ordination and PERMANOVA", section="gut", build=beta_item),
    Item(key="F8", title="Species: contrasts, changes, published scores", section="gut", build=species_item),
    Item(key="F9", title="Pathways", section="gut", build=pathways_item),
)
