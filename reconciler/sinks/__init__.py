"""Where a pass flows to."""
