"""The demo: real passes over HTTP against the sandbox, told as a story to somebody who never saw it."""
