"""Knows how to talk to the two services, and nothing of lists or audiences."""
