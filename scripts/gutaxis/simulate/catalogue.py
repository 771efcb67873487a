"""Labels of the simulated gut: real names of species, SGBs and MetaCyc pathways around random sequence.

Only the labels are real, so that the unmodified tools find what they expect; no sequence of any organism is used.
"""

from dataclasses import dataclass

#: MetaPhlAn index name that HUMAnN 3.9 accepts. The miniature database borrows it and is labelled simulated beside it.
INDEX = "mpa_vJun23_CHOCOPhlAnSGB_202403"


@dataclass(frozen=True)
class Species:
    """One simulated genome.

    Parameters
    ----------
    name
        Species label without ``s__``.
    sgb
        MetaPhlAn species-level genome bin.
    lineage
        Kingdom to genus, MetaPhlAn style.
    taxids
        NCBI taxonomy ids, kingdom to species, joined by ``|``.
    pangenome
        ``g__X.s__Y`` under which HUMAnN looks for the pangenome, or None for a species without one: its genes can
        then only be found by translated search.
    prevalence
        Share of simulated patients who carry it.
    """

    name: str
    sgb: str
    lineage: str
    taxids: str
    pangenome: str | None
    prevalence: float = 1.0


SPECIES: tuple[Species, ...] = (
    Species(
        "Bacteroides_uniformis",
        "SGB1836",
        "k__Bacteria|p__Bacteroidota|c__Bacteroidia|o__Bacteroidales|f__Bacteroidaceae|g__Bacteroides",
        "2|976|200643|171549|815|816|820",
        "g__Bacteroides.s__Bacteroides_uniformis",
    ),
    Species(
        "Phocaeicola_vulgatus",
        "SGB1814",
        "k__Bacteria|p__Bacteroidota|c__Bacteroidia|o__Bacteroidales|f__Bacteroidaceae|g__Phocaeicola",
        "2|976|200643|171549|815|909656|821",
        "g__Bacteroides.s__Bacteroides_vulgatus",
    ),
    Species(
        "Faecalibacterium_prausnitzii",
        "SGB15318",
        "k__Bacteria|p__Firmicutes|c__Clostridia|o__Eubacteriales|f__Oscillospiraceae|g__Faecalibacterium",
        "2|1239|186801|186802|216572|216851|853",
        "g__Faecalibacterium.s__Faecalibacterium_prausnitzii",
    ),
    Species(
        "Roseburia_intestinalis",
        "SGB4951",
        "k__Bacteria|p__Firmicutes|c__Clostridia|o__Eubacteriales|f__Lachnospiraceae|g__Roseburia",
        "2|1239|186801|186802|186803|841|166486",
        "g__Roseburia.s__Roseburia_intestinalis",
    ),
    Species(
        "Lachnospiraceae_bacterium_rectale",
        "SGB4933",
        "k__Bacteria|p__Firmicutes|c__Clostridia|o__Eubacteriales|f__Lachnospiraceae|g__Lachnospiraceae_unclassified",
        "2|1239|186801|186802|186803||39491",
        "g__Lachnospiraceae_unclassified.s__Eubacterium_rectale",
    ),
    Species(
        "Akkermansia_muciniphila",
        "SGB9226",
        "k__Bacteria|p__Verrucomicrobiota|c__Verrucomicrobiae|o__Verrucomicrobiales|f__Akkermansiaceae|g__Akkermansia",
        "2|74201|203494|48461|1647988|239934|239935",
        "g__Akkermansia.s__Akkermansia_muciniphila",
    ),
    Species(
        "Bifidobacterium_longum",
        "SGB17248",
        "k__Bacteria|p__Actinobacteria|c__Actinomycetia|o__Bifidobacteriales|f__Bifidobacteriaceae|g__Bifidobacterium",
        "2|201174|1760|85004|31953|1678|216816",
        "g__Bifidobacterium.s__Bifidobacterium_longum",
        0.8,
    ),
    Species(
        "Escherichia_coli",
        "SGB10067",
        "k__Bacteria|p__Proteobacteria|c__Gammaproteobacteria|o__Enterobacterales|f__Enterobacteriaceae|g__Escherichia",
        "2|1224|1236|91347|543|561|562",
        "g__Escherichia.s__Escherichia_coli",
    ),
    Species(
        "Alistipes_putredinis",
        "SGB2318",
        "k__Bacteria|p__Bacteroidota|c__Bacteroidia|o__Bacteroidales|f__Rikenellaceae|g__Alistipes",
        "2|976|200643|171549|171550|239759|28117",
        None,
    ),
    Species(
        "Methanobrevibacter_smithii",
        "SGB714",
        "k__Archaea|p__Euryarchaeota|c__Methanobacteria|o__Methanobacteriales|f__Methanobacteriaceae|g__Methanobrevibacter",
        "2157|28890|183925|2158|2159|2172|2173",
        None,
        0.6,
    ),
)

#: MetaCyc pathway -> species whose genomes carry the genes of its reactions.
PATHWAYS: dict[str, tuple[str, ...]] = {
    "ARGSYN-PWY": (
        "Bacteroides_uniformis",
        "Phocaeicola_vulgatus",
        "Akkermansia_muciniphila",
        "Escherichia_coli",
        "Alistipes_putredinis",
    ),
    "CENTFERM-PWY": (
        "Faecalibacterium_prausnitzii",
        "Roseburia_intestinalis",
        "Lachnospiraceae_bacterium_rectale",
    ),
    "HISTSYN-PWY": (
        "Bacteroides_uniformis",
        "Faecalibacterium_prausnitzii",
        "Escherichia_coli",
        "Methanobrevibacter_smithii",
    ),
    "P108-PWY": ("Bacteroides_uniformis", "Phocaeicola_vulgatus", "Alistipes_putredinis"),
    "P124-PWY": ("Bifidobacterium_longum",),
    "PWY-5100": (
        "Bacteroides_uniformis",
        "Phocaeicola_vulgatus",
        "Bifidobacterium_longum",
        "Escherichia_coli",
    ),
    "PWY-5676": (
        "Faecalibacterium_prausnitzii",
        "Roseburia_intestinalis",
        "Lachnospiraceae_bacterium_rectale",
    ),
    "PWY-6122": tuple(species.name for species in SPECIES),
    "PWY-7013": ("Akkermansia_muciniphila", "Escherichia_coli"),
    "PWY0-1319": tuple(species.name for species in SPECIES),
    "TRPSYN-PWY": (
        "Bacteroides_uniformis",
        "Phocaeicola_vulgatus",
        "Akkermansia_muciniphila",
        "Escherichia_coli",
        "Alistipes_putredinis",
    ),
}


def pathways_of(*, species: str) -> list[str]:
    """Return the pathways whose genes one simulated genome carries, sorted."""
    return sorted(pathway for pathway, carriers in PATHWAYS.items() if species in carriers)
