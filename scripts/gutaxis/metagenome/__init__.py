"""The metagenome arm: raw reads to species and pathways with KneadData, MetaPhlAn and HUMAnN."""
