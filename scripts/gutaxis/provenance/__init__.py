"""Where results come from: code digests, tool versions."""
