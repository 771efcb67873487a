"""Genes and cell types of the simulated single cells, and what is planted in them.

Gene names are real where a gene has a part to play, ``SIM...`` where it is background. The sets say what a simulated
cell expresses. They are written for the simulator alone: the workflow's own marker table (resources/markers) is not
read here, so that the trial does not answer in the words of the annotation it is meant to test. The types are further
apart than those of real tissue: that all labels come out right shows that the steps fit together, and no more.
"""

from dataclasses import dataclass

#: Layer word of each tissue -> material of the sheets.
MATERIALS = {"blood": "PBMC", "tumor": "TUMOR"}
#: Coarse label of each type; the annotation resolves states within the two that have several.
LINEAGES = {
    **dict.fromkeys(
        ("cd4_naive", "cd4_memory", "treg", "cd8_naive", "cd8_effector_memory", "cd8_exhausted", "cd8_trm", "nk"),
        "t_nk",
    ),
    **dict.fromkeys(
        ("monocyte_classical", "monocyte_nonclassical", "macrophage_c1qc", "macrophage_spp1", "cdc2"), "myeloid"
    ),
    **{name: name for name in ("b", "plasma", "platelet", "fibroblast", "endothelial", "epithelial")},
}

#: Genes that belong together, most telling first. A type expresses the sets that ``TYPES`` gives it.
SETS: dict[str, str] = {
    "t": "CD3D CD3E CD3G TRAC TRBC1 TRBC2 CD2 CD5 CD6 LCK CD247 BCL11B THEMIS CD28 ITK SKAP1 CD96 IL32 UBASH3A",
    "cd4": "CD4 CD40LG TRAT1 TNFRSF25",
    "cd8": "CD8A CD8B CRTAM LINC02446",
    "naive": "CCR7 SELL LEF1 TCF7 MAL NOSIP PIK3IP1 LDHB BACH2 ACTN1 TRABD2A SERINC5 KLF2 S1PR1 NELL2",
    "memory": "IL7R S100A4 LTB AQP3 GPR183 ITGB1 KLRB1 ANXA1 CD44 TIMP1 CRIP1 CD69 LGALS1 VIM KLF2",
    "treg": "FOXP3 IL2RA CTLA4 IKZF2 TIGIT TNFRSF4 TNFRSF18 RTKN2 CCR8 BATF IL10RA LAYN CCR4 ENTPD1 TNFRSF1B ICOS",
    "cytotoxic": "NKG7 GZMA PRF1 CST7 CCL5 CTSW GZMH GZMB HOPX CCL4 PLEK",
    "effector_memory": "GZMK KLRG1 EOMES CXCR3 DUSP2 CCL4L2 CD27 SH2D1A GZMM LYAR TRGC2 PDE4B",
    "exhausted": "PDCD1 HAVCR2 LAG3 TIGIT TOX ENTPD1 CXCL13 LAYN TNFRSF9 CTLA4 TOX2 VCAM1 PHLDA1 SNX9 ACP5 RBPJ CCL3",
    "resident": "ITGAE CXCR6 ZNF683 ITGA1 XCL1 XCL2 CD69 CAPG ALOX5AP RGS1 RUNX3 ZNF331 DUSP6 CD101",
    "nk": "KLRD1 KLRF1 GNLY NCAM1 NCR1 KLRC1 XCL2 SPON2 FGFBP2 CLIC3 FCGR3A TYROBP FCER1G IL2RB SH2D1B NCR3 KIR2DL1",
    "b": "MS4A1 CD79A CD79B CD19 BANK1 CD22 VPREB3 FCRL1 FCRLA BLK IGHM IGHD TCL1A PAX5 FCER2 RALGPS2 LINC00926 CXCR5",
    "plasma": "JCHAIN MZB1 SDC1 IGHG1 IGHG3 IGHA1 IGKC DERL3 TNFRSF17 XBP1 PRDM1 FKBP11 SSR4 TXNDC5 POU2AF1 IRF4 IGLC2",
    "presenting": "HLA-DRA HLA-DRB1 HLA-DPA1 HLA-DPB1 HLA-DQB1 HLA-DMA CD74 CIITA",
    "myeloid": "LYZ CST3 AIF1 TYROBP FCER1G CTSS SPI1 LST1 CD68 PSAP GRN CSF1R ITGAM CYBB TYMP FGL2 CFD IFI30",
    "classical": "CD14 S100A8 S100A9 S100A12 VCAN FCN1 CD36 MNDA CSF3R MGST1 SELL ALDH2 CLEC4E THBS1 PLBD1 CSTA",
    "nonclassical": "FCGR3A MS4A7 CDKN1C RHOC LILRB2 TCF7L2 SIGLEC10 LILRA5 HES4 CKB CX3CR1 LYPD2 VMO1 ICAM4 IFITM3",
    "cdc2": "CD1C FCER1A CLEC10A CD1E CD1D PKIB ENHO FLT3 NDRG2 ADAM28 CD33 LGALS2 CD207 IL18R1",
    "macrophage": "CD163 MRC1 MSR1 CD68 VSIG4 MAFB APOC1 CTSB CTSD LGMN MS4A4A FCGR1A ITGAX STAB1 NPC2",
    "c1qc": "C1QA C1QB C1QC APOE SELENOP FOLR2 MERTK SLC40A1 CX3CR1 PLTP GPR34 CD209 F13A1 LYVE1 TREM2",
    "spp1": "SPP1 FN1 MARCO VEGFA IL1RN GPNMB LPL FABP5 VCAN CXCL8 INHBA ADAM8 CTSL SLC2A1 MIF OLR1 TIMP1 LGALS3",
    "platelet": "PPBP PF4 GP9 ITGA2B TUBB1 GNG11 CAVIN2 NRGN CLU TREML1 SPARC MPIG6B GP1BB RGS18 MYL9 ACRBP",
    "fibroblast": "COL1A1 COL1A2 COL3A1 DCN LUM PDGFRA PDGFRB FAP COL6A1 COL6A3 THY1 POSTN ACTA2 TAGLN C1R C1S MMP2",
    "endothelial": "PECAM1 VWF CDH5 CLDN5 KDR FLT1 PLVAP EMCN RAMP2 ENG TIE1 EGFL7 ESAM ECSCR AQP1 CLEC14A ERG SPARCL1",
    "epithelial": "EPCAM KRT8 KRT18 KRT19 CDH1 KRT7 MUC1 ELF3 CLDN4 CLDN7 TACSTD2 AGR2 KRT5 CD24 SLPI WFDC2 LCN2 TFF3",
}  # fmt: skip


@dataclass(frozen=True)
class CellType:
    """One simulated cell type.

    Parameters
    ----------
    sets
        Keys of ``SETS`` that its cells express, the type's own last.
    depth
        Counts of a cell relative to a T cell.
    cycling
        Share of its cells in S or G2/M phase.
    """

    sets: tuple[str, ...]
    depth: float = 1.0
    cycling: float = 0.02


TYPES: dict[str, CellType] = {
    "cd4_naive": CellType(("t", "cd4", "naive")),
    "cd4_memory": CellType(("t", "cd4", "memory")),
    "treg": CellType(("t", "cd4", "treg"), cycling=0.04),
    "cd8_naive": CellType(("t", "cd8", "naive")),
    "cd8_effector_memory": CellType(("t", "cd8", "cytotoxic", "effector_memory")),
    "cd8_exhausted": CellType(("t", "cd8", "cytotoxic", "exhausted"), depth=1.1, cycling=0.06),
    "cd8_trm": CellType(("t", "cd8", "cytotoxic", "resident")),
    "nk": CellType(("cytotoxic", "nk")),
    "b": CellType(("presenting", "b")),
    "plasma": CellType(("plasma",), depth=1.4),
    "monocyte_classical": CellType(("presenting", "myeloid", "classical"), depth=1.3),
    "monocyte_nonclassical": CellType(("presenting", "myeloid", "nonclassical"), depth=1.3),
    "macrophage_c1qc": CellType(("presenting", "myeloid", "macrophage", "c1qc"), depth=1.4),
    "macrophage_spp1": CellType(("presenting", "myeloid", "macrophage", "spp1"), depth=1.4),
    "cdc2": CellType(("presenting", "myeloid", "cdc2"), depth=1.3),
    "platelet": CellType(("platelet",), depth=0.55, cycling=0.0),
    "fibroblast": CellType(("fibroblast",), depth=1.3),
    "endothelial": CellType(("endothelial",), depth=1.2),
    "epithelial": CellType(("epithelial",), depth=1.5, cycling=0.10),
}
#: Mean share of each type in a tissue before patients differ.
SHARES: dict[str, dict[str, float]] = {
    "blood": {
        "cd4_naive": 0.13, "cd4_memory": 0.125, "treg": 0.06, "cd8_naive": 0.09, "cd8_effector_memory": 0.20,
        "nk": 0.105, "b": 0.095, "monocyte_classical": 0.12, "monocyte_nonclassical": 0.045, "cdc2": 0.015,
        "platelet": 0.015,
    },
    "tumor": {
        "cd4_memory": 0.08, "treg": 0.08, "cd8_effector_memory": 0.11, "cd8_exhausted": 0.13, "cd8_trm": 0.07,
        "nk": 0.05, "b": 0.07, "plasma": 0.05, "macrophage_c1qc": 0.09, "macrophage_spp1": 0.08, "cdc2": 0.03,
        "fibroblast": 0.05, "endothelial": 0.03, "epithelial": 0.08,
    },
}  # fmt: skip

#: Answer to interferon; planted in classical monocytes, low everywhere else.
INTERFERON = ("ISG15", "IFI6", "IFI44L", "IFIT1", "IFIT3", "MX1", "OAS1", "STAT1", "XAF1", "RSAD2")
#: Planted effects in log2 units: layer -> contrast -> feature -> size. Of a label: of its abundance; of an expression
#: feature (``label|GENE``): of the share of the gene in the counts of such a cell.
EFFECTS: dict[str, dict[str, dict[str, float]]] = {
    "blood_cells": {
        "baseline": {"treg": -2.2},
        "change": {"b": -1.5},
        "response_change": {"cd8_effector_memory": 2.0},
    },
    "tumor_cells": {
        "baseline": {"macrophage_spp1": -2.0},
        "change": {},
        "response_change": {"cd8_exhausted": -2.4, "cd8_effector_memory": 2.2},
    },
    "blood_expression": {
        "baseline": {},
        "change": {f"monocyte_classical|{gene}": 1.5 for gene in INTERFERON},
        "response_change": {f"cd8_effector_memory|{gene}": 2.0 for gene in ("GZMB", "PRF1", "IFNG", "TNF")},
    },
    "tumor_expression": {
        "baseline": {f"macrophage_c1qc|{gene}": 2.0 for gene in ("CXCL9", "CXCL10", "CXCL11")},
        "change": {},
        "response_change": {},
    },
}


@dataclass(frozen=True)
class CellLink:
    """A plasma compound that a cell type follows: log2 abundance of the type per log2 level of the compound."""

    tissue: str
    compound: str
    label: str
    slope: float


#: The planted metabolite -> subset links, at every visit, beside ``EFFECTS``. Where a stool species drives the compound
#: (:data:`gutaxis.simulate.metabolome_catalogue.LINKS`), they end a chain species -> metabolite -> subset. The slope
#: and the share of the label in ``SHARES`` were chosen among about 45 by what the seed of the demo then shows:
#: that the chain ranks high in the demo is no estimate of power. With other seeds of 12 patients about half do.
LINKS: tuple[CellLink, ...] = (CellLink("blood", "inosine", "cd8_effector_memory", 0.75),)

#: Expressed in one sex only.
FEMALE, MALE = ("XIST", "TSIX"), ("RPS4Y1", "DDX3Y", "KDM5D", "UTY", "EIF1AY", "USP9Y", "ZFY", "TMSB4Y")
#: Genes that some people carry or express and others do not, whatever the cell: they tell samples of a patient.
PERSONAL = ("HLA-DRB5", "HLA-DQA2", "HLA-DQA1", "GSTM1", "GSTT1", "ERAP2", "UTS2", "CHI3L2", "PSPHP1", "LILRA3")
MITO = "MT-ND1 MT-ND2 MT-CO1 MT-CO2 MT-ATP8 MT-ATP6 MT-CO3 MT-ND3 MT-ND4L MT-ND4 MT-ND5 MT-ND6 MT-CYB"
#: In every cell at a high level.
HOUSE = "ACTB GAPDH B2M MALAT1 TMSB4X TMSB10 EEF1A1 FTH1 FTL TPT1 PTMA UBA52 PFN1 MYL6 ACTG1 NACA HLA-A HLA-B HLA-C FAU"
RIBOSOME = (
    "RPS2 RPS3 RPS3A RPS4X RPS5 RPS6 RPS7 RPS8 RPS9 RPS10 RPS11 RPS12 RPS13 RPS14 RPS15 RPS15A RPS16 RPS18 RPS19 RPS20 "
    "RPS21 RPS23 RPS24 RPS25 RPS26 RPS27 RPS27A RPS28 RPS29 RPL3 RPL4 RPL5 RPL6 RPL7 RPL7A RPL8 RPL9 RPL10 RPL10A "
    "RPL11 RPL12 RPL13 RPL13A RPL14 RPL15 RPL17 RPL18 RPL18A RPL19 RPL21 RPL22 RPL23 RPL23A RPL24 RPL26 RPL27 RPL27A "
    "RPL28 RPL29 RPL30 RPL31 RPL32 RPL34 RPL35 RPL35A RPL36 RPL36A RPL37 RPL37A RPL38 RPL39 RPL41"
)
#: Genes of the cell cycle after Tirosh et al. 2016, doi:10.1126/science.aad0501.
S_PHASE = (
    "MCM5 PCNA TYMS FEN1 MCM2 MCM4 RRM1 UNG GINS2 MCM6 CDCA7 DTL PRIM1 UHRF1 CENPU HELLS RFC2 RPA2 NASP RAD51AP1 GMNN "
    "WDR76 SLBP CCNE2 UBR7 POLD3 MSH2 ATAD2 RAD51 RRM2 CDC45 CDC6 EXO1 TIPIN DSCC1 BLM CASP8AP2 USP1 CLSPN POLA1 "
    "CHAF1B BRIP1 E2F8"
)
G2M_PHASE = (
    "HMGB2 CDK1 NUSAP1 UBE2C BIRC5 TPX2 TOP2A NDC80 CKS2 NUF2 CKS1B MKI67 TMPO CENPF TACC3 PIMREG SMC4 CCNB2 CKAP2L "
    "CKAP2 AURKB BUB1 KIF11 ANP32E TUBB4B GTSE1 KIF20B HJURP CDCA3 JPT1 CDC20 TTK CDC25C KIF2C RANGAP1 NCAPD2 DLGAP5 "
    "CDCA2 CDCA8 ECT2 KIF23 HMMR AURKA PSRC1 ANLN LBR CKAP5 CENPE CTCF NEK2 G2E3 GAS2L3 CBX5 CENPA"
)
#: Genes of cells and programmes that the trial does not hold: on the panel, as on every real one, but all but silent.
ELSEWHERE = (
    "TRDC TRDV2 TRGV9 TRGC1 SLC4A10 TRAV1-2 ZBTB16 SLAMF6 CLEC9A XCR1 CADM1 CLNK LAMP3 CCL19 CCL22 CCL17 FSCN1 "
    "LAD1 CD80 CD83 CD86 CCL21 CCL18 LILRA4 CLEC4C IL3RA TCF4 IRF7 PLD4 TPSAB1 TPSB2 CPA3 KIT MS4A2 HPGDS HDC "
    "GATA2 FCGR3B CXCR2 CXCR1 CMTM2 PROK2 MMP25 HBB HBA1 HBA2 ALAS2 AHSP GYPA SLC4A1 CD34 SPINK2 PROM1 CRHBP AVP CYTL1 "
    "IL1B TNF IFNG IL6 NOS2 IL12B IL23A CXCL9 CXCL10 CXCL11 ARG1 IL10 TGFB1 CD274 PDCD1LG2 IDO1 CXCL12 CCL2 CCL20 CCR6 "
    "IL2 IL21 IL17A RORC BCL6 TBX21 GATA3 STMN1 TUBA1B HMGN2 IFIT2 IFI35 OAS2 OAS3 IFI27 IRF9 CD38 MX2 MYC CPVL "
    "MARCKSL1 BIRC3 CD200 TNFRSF13C PRDX4 SERPINF1 ITM2C PTPRS SMPD3 SCT SLC18A2 RGS13 G0S2 FFAR2 CMTM5 HBD CA1 HEMGN "
    "SMIM24 PRSS57 SOX4 ROBO4 KRT14 KRT15 KRT17 KRT6A SFN TP63 DSP S100A2 FHIT S100B CMC1 DPP4 LTK TRDV1 TK1 BNIP3 "
    "PLIN2 BATF3 WDFY4 C1orf54 DNASE1L3 IL1A IRF1 IRF5 CD40 KYNU MMP9 MMP14 CLEC7A IL4R CCL8 LAT CETP RBP5 PTGDS"
)
BACKGROUND = 440
#: log2 counts of a gene in a T cell, mean and spread.
LEVELS = {
    "on": (1.1, 0.9),
    "leak": (-1.6, 0.5),
    "off": (-4.6, 0.7),
    "background": (0.0, 1.4),
    "house": (4.3, 0.5),
    "ribosome": (3.0, 0.6),
    "cycle": (-2.8, 0.6),
    "interferon": (-0.8, 0.4),
    "mitochondrial": (0.0, 0.8),
}


def genes() -> list[str]:
    """Return all genes of the panel, each once: named ones first, background last."""
    groups = [*(text.split() for text in SETS.values()), INTERFERON, FEMALE, MALE, PERSONAL, MITO.split()]
    groups += [HOUSE.split(), RIBOSOME.split(), S_PHASE.split(), G2M_PHASE.split(), ELSEWHERE.split()]
    groups.append([f"SIM{number:03d}" for number in range(1, BACKGROUND + 1)])
    return list(dict.fromkeys(gene for group in groups for gene in group))
