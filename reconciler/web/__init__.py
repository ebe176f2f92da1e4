"""The daemon's HTTP port: health, metrics, the API, hooks and one page."""
