"""The worlds a sandbox can start with, each the same for the same seed."""
