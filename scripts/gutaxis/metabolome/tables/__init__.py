"""Tables of other software and of vendors, each read by a small adapter into the canonical feature table."""
