"""Random genomes for the simulated gut: markers, pathway genes, a host decoy. Pure functions of one seed."""

import bz2
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gutaxis.simulate.catalogue import PATHWAYS, SPECIES, pathways_of

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
AMINO_ACIDS = np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", dtype=np.uint8)
MARKERS, MARKER_LENGTH, HOST_LENGTH = 40, 900, 400_000
# The standard genetic code, third base fastest, in the order T C A G.
_CODE = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODONS: dict[str, list[str]] = {}
for _number, _residue in enumerate(_CODE):
    _codon = "TCAG"[_number // 16] + "TCAG"[_number // 4 % 4] + "TCAG"[_number % 4]
    CODONS.setdefault(_residue, []).append(_codon)


@dataclass
class Genome:
    """One random genome: its sequence, its markers (name, sequence) and its genes (UniRef90 family, sequence)."""

    species: str
    sequence: str
    markers: list[tuple[str, str]] = field(default_factory=list)
    genes: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Gut:
    """The whole simulated sequence world: genomes, host decoy, protein families and the reaction each serves."""

    genomes: dict[str, Genome]
    host: str
    proteins: dict[str, str]
    families: dict[str, str]


def dna(*, rng: np.random.Generator, length: int) -> str:
    """Return random DNA of the given length."""
    return rng.choice(BASES, size=length).tobytes().decode()


def reverse_translate(*, rng: np.random.Generator, protein: str) -> str:
    """Code a protein with random synonymous codons and a stop: same protein, about 3/4 nucleotide identity."""
    codons = [CODONS[residue] for residue in [*protein, "*"]]
    picks = rng.random(len(codons))
    return "".join(choices[int(pick * len(choices))] for choices, pick in zip(codons, picks, strict=True))


def pathway_reactions(*, humann_data: Path) -> dict[str, list[str]]:
    """Read the reactions of the simulated pathways from HUMAnN's own pathway definitions."""
    reactions: dict[str, list[str]] = {}
    definitions = humann_data / "pathways" / "metacyc_pathways_structured_filtered_v24_subreactions"
    for line in definitions.read_text().splitlines():
        pathway, _, structure = line.partition("\t")
        if pathway in PATHWAYS:
            reactions[pathway] = [token.lstrip("-") for token in structure.split() if token not in "()+,"]
    return reactions


def reaction_families(*, humann_data: Path, reactions: set[str]) -> dict[str, str]:
    """Give each reaction one UniRef90 family of its own from HUMAnN's reaction table; a few reactions have none."""
    chosen: dict[str, str] = {}
    used: set[str] = set()
    table = humann_data / "pathways" / "metacyc_reactions_level4ec_only.uniref.bz2"
    with bz2.open(table, "rt") as handle:
        for line in handle:
            reaction, _, rest = line.rstrip("\n").partition("\t")
            if reaction not in reactions:
                continue
            free = [name for name in rest.split("\t")[1:] if name.startswith("UniRef90_") and name not in used]
            if free:
                chosen[reaction] = free[0]
                used.add(free[0])
    return chosen


def simulate_gut(*, humann_data: Path, seed: int) -> Gut:
    """Make every genome, the host decoy and the protein families from one seed.

    Parameters
    ----------
    humann_data
        The ``data`` folder of an installed HUMAnN: the source of pathway, reaction and family names.
    seed
        Seed of the sequences.
    """
    rng = np.random.default_rng(seed)
    by_pathway = pathway_reactions(humann_data=humann_data)
    families = reaction_families(
        humann_data=humann_data, reactions={reaction for parts in by_pathway.values() for reaction in parts}
    )
    proteins: dict[str, str] = {}
    for reaction in sorted(families):
        length = int(rng.integers(239, 360))
        proteins[families[reaction]] = "M" + rng.choice(AMINO_ACIDS, size=length).tobytes().decode()
    genomes: dict[str, Genome] = {}
    for number, species in enumerate(SPECIES):
        genome = Genome(species=species.name, sequence="")
        for marker in range(MARKERS):
            name = f"UniRef90_MINI{number:02d}{marker:03d}|1__{marker + 1}|{species.sgb}"
            genome.markers.append((name, dna(rng=rng, length=MARKER_LENGTH)))
        carried = {
            families[reaction]
            for pathway in pathways_of(species=species.name)
            for reaction in by_pathway[pathway]
            if reaction in families
        }
        for family in sorted(carried):
            genome.genes.append((family, reverse_translate(rng=rng, protein=proteins[family])))
        parts = [sequence for _, sequence in genome.markers + genome.genes]
        order = rng.permutation(len(parts))
        genome.sequence = "".join(parts[i] + dna(rng=rng, length=int(rng.integers(40, 120))) for i in order)
        genomes[species.name] = genome
    return Gut(genomes=genomes, host=dna(rng=rng, length=HOST_LENGTH), proteins=proteins, families=families)
