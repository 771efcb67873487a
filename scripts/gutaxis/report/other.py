"""Layers of the user's own tables, such as cytometry: the same pictures and words for each."""

from functools import partial

from gutaxis.report.differential import source_of
from gutaxis.report.diversity import alpha_blocks, alpha_counted, alpha_files, alpha_findings
from gutaxis.report.gut import differential_content, layer_words
from gutaxis.report.items import Absent, Content, Item
from gutaxis.report.paired import SAMPLES
from gutaxis.report.sources import LayerInfo, Results


def other_items(results: Results) -> tuple[Item, ...]:
    """Return one item for each layer that belongs to no part of the page: ``L-{layer}``.

    Parameters
    ----------
    results
        The results.
    """
    return tuple(
        Item(
            key=f"L-{layer.name}", title=f"Layer {layer_words(layer=layer)}", section="response",
            build=partial(_layer_item, layer=layer),
        )
        for layer in results.in_room("other")
    )  # fmt: skip


def _layer_item(results: Results, *, layer: LayerInfo) -> Content | Absent:
    made = differential_content(results=results, layers=[layer], changes=layer.kind != "counts")
    if made is None:
        declared = list(results.settings["contrasts"])
        return Absent(why=results.why(source_of(layer=layer.name, contrast=declared[0])))
    said, about, blocks = list(made.findings), list(made.counted), list(made.blocks)
    if results.has(*alpha_files(layer=layer.name), SAMPLES):
        name = layer_words(layer=layer)
        said += alpha_findings(results=results, layer=layer.name, name=name)
        about += alpha_counted(results=results, layer=layer.name)
        blocks += alpha_blocks(results=results, layer=layer.name, name=name)
    return Content(findings=said, counted=about, blocks=blocks)
