"""Builds the container image and runs it, without a Docker engine: `make image-check`."""
