"""Compounds of the simulated plasma, what is planted in them, and which stool species drives which compound.

Names and formulas are real, levels are not. Short-chain fatty acids are left out: plasma LC-MS without derivatisation
hardly sees them, so a run on this trial has to report them as not assayed, not as zero.
"""

from dataclasses import dataclass

#: Ionisation: mode -> adduct -> intensity relative to the main ion of the mode, which comes first.
ION: dict[str, dict[str, dict[str, float]]] = {
    "amine": {"positive": {"M+H": 1.0}},
    "sodium": {"positive": {"M+H": 1.0, "M+Na": 0.35}},
    "ammonium": {"positive": {"M+H": 1.0, "M+NH4": 0.4, "M+Na": 0.3}},
    "cation": {"positive": {"M+": 1.0}},
    "both": {"positive": {"M+H": 1.0, "M+Na": 0.3}, "negative": {"M-H": 1.0}},
    "acid": {"negative": {"M-H": 1.0, "M+Cl": 0.3}},
    "bile": {"negative": {"M-H": 1.0, "M+HCOO": 0.35}},
}


@dataclass(frozen=True)
class Compound:
    """One simulated compound.

    Parameters
    ----------
    name, formula
        Formula of the neutral molecule, or of the ion for ionisation ``cation``.
    ionisation
        Key of ``ION``.
    group
        ``panel`` (named as in resources/metabolites/panel.tsv), ``plasma`` (known, not on the panel), ``other`` (random
        formula, named ``unknown ..``) or ``contaminant`` (also in the blanks).
    prevalence
        Share of simulated patients who have it.
    """

    name: str
    formula: str
    ionisation: str
    group: str = "panel"
    prevalence: float = 1.0


NAMED: tuple[Compound, ...] = (
    Compound("L-tryptophan", "C11H12N2O2", "both"),
    Compound("L-kynurenine", "C10H12N2O3", "sodium"),
    Compound("kynurenic acid", "C10H7NO3", "both"),
    Compound("3-hydroxykynurenine", "C10H12N2O4", "amine"),
    Compound("anthranilic acid", "C7H7NO2", "amine"),
    Compound("quinolinic acid", "C7H5NO4", "amine"),
    Compound("serotonin", "C10H12N2O", "amine"),
    Compound("indole-3-acetic acid", "C10H9NO2", "both"),
    Compound("indole-3-propionic acid", "C11H11NO2", "both"),
    Compound("indole-3-lactic acid", "C11H11NO3", "both"),
    Compound("indole-3-carbaldehyde", "C9H7NO", "amine"),
    Compound("indoxyl sulfate", "C8H7NO4S", "acid"),
    Compound("p-cresol sulfate", "C7H8O4S", "acid"),
    Compound("hippuric acid", "C9H9NO3", "both"),
    Compound("phenylacetylglutamine", "C13H16N2O4", "both"),
    Compound("inosine", "C10H12N4O5", "both"),
    Compound("hypoxanthine", "C5H4N4O", "amine"),
    Compound("xanthine", "C5H4N4O2", "amine"),
    Compound("uric acid", "C5H4N4O3", "both"),
    Compound("adenosine", "C10H13N5O4", "amine"),
    Compound("trimethylamine N-oxide", "C3H9NO", "amine"),
    Compound("choline", "C5H14NO", "cation"),
    Compound("glycine betaine", "C5H11NO2", "sodium"),
    Compound("L-valine", "C5H11NO2", "amine"),
    Compound("L-carnitine", "C7H15NO3", "sodium"),
    Compound("acetylcarnitine", "C9H17NO4", "sodium"),
    Compound("propionylcarnitine", "C10H19NO4", "amine"),
    Compound("butyrylcarnitine", "C11H21NO4", "amine"),
    Compound("hexanoylcarnitine", "C13H25NO4", "amine", "plasma"),
    Compound("octanoylcarnitine", "C15H29NO4", "amine"),
    Compound("palmitoylcarnitine", "C23H45NO4", "amine"),
    Compound("L-citrulline", "C6H13N3O3", "sodium"),
    Compound("L-arginine", "C6H14N4O2", "amine"),
    Compound("L-ornithine", "C5H12N2O2", "amine"),
    Compound("L-glutamine", "C5H10N2O3", "sodium"),
    Compound("L-glutamic acid", "C5H9NO4", "amine"),
    Compound("L-phenylalanine", "C9H11NO2", "amine"),
    Compound("L-tyrosine", "C9H11NO3", "amine"),
    Compound("L-leucine", "C6H13NO2", "amine"),
    Compound("L-isoleucine", "C6H13NO2", "amine"),
    Compound("L-histidine", "C6H9N3O2", "amine"),
    Compound("L-methionine", "C5H11NO2S", "amine", "plasma"),
    Compound("taurine", "C2H7NO3S", "both"),
    Compound("creatinine", "C4H7N3O", "sodium"),
    Compound("creatine", "C4H9N3O2", "amine", "plasma"),
    Compound("spermidine", "C7H19N3", "amine"),
    Compound("pantothenic acid", "C9H17NO5", "both"),
    Compound("cortisol", "C21H30O5", "ammonium", "plasma"),
    Compound("caffeine", "C8H10N4O2", "amine", "plasma", prevalence=0.7),
    Compound("enterolactone", "C18H18O4", "acid", prevalence=0.7),
    Compound("urolithin A", "C13H8O4", "acid", prevalence=0.5),
    Compound("cholic acid", "C24H40O5", "bile"),
    Compound("chenodeoxycholic acid", "C24H40O4", "bile"),
    Compound("deoxycholic acid", "C24H40O4", "bile"),
    Compound("ursodeoxycholic acid", "C24H40O4", "bile"),
    Compound("lithocholic acid", "C24H40O3", "bile"),
    Compound("glycocholic acid", "C26H43NO6", "both"),
    Compound("glycochenodeoxycholic acid", "C26H43NO5", "both"),
    Compound("glycodeoxycholic acid", "C26H43NO5", "both"),
    Compound("taurocholic acid", "C26H45NO7S", "both"),
    Compound("taurodeoxycholic acid", "C26H45NO6S", "acid"),
    Compound("LysoPC 16:0", "C24H50NO7P", "sodium", "plasma"),
    Compound("LysoPC 18:0", "C26H54NO7P", "sodium", "plasma"),
)
#: From solvents and plastics: as strong in a blank as in plasma, for the blank filter to remove.
CONTAMINANTS: tuple[Compound, ...] = (
    Compound("erucamide", "C22H43NO", "sodium", "contaminant"),
    Compound("dibutyl phthalate", "C16H22O4", "ammonium", "contaminant"),
    Compound("tributyl phosphate", "C12H27O4P", "amine", "contaminant"),
)

#: Planted effects of profile `detectable`, in log2 units: contrast -> compound -> size.
EFFECTS: dict[str, dict[str, float]] = {
    "baseline": {"L-kynurenine": -1.6, "indole-3-lactic acid": 1.8},
    "change": {"L-citrulline": -1.0, "hippuric acid": 1.0},
    "response_change": {"indole-3-acetic acid": 1.8, "indoxyl sulfate": -1.8},
}


@dataclass(frozen=True)
class Link:
    """A stool species that drives a plasma compound: log2 level of the compound per log2 share of the species."""

    species: str
    compound: str
    slope: float


#: The planted species -> metabolite links. Through them the planted effects of the species reach the plasma.
LINKS: tuple[Link, ...] = (
    Link("Faecalibacterium_prausnitzii", "indole-3-propionic acid", 0.9),
    Link("Roseburia_intestinalis", "butyrylcarnitine", 0.9),
    Link("Akkermansia_muciniphila", "inosine", 0.8),
    Link("Escherichia_coli", "trimethylamine N-oxide", 0.8),
)
