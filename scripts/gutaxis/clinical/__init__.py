"""Clinical endpoints: from lesion measurements to responder status, survival and adverse events."""
