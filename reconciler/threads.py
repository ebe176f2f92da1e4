"""Makes pools of threads whose log lines say what those of their maker say: client, pass and list."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from structlog.contextvars import bind_contextvars, get_contextvars


def threads(most: int, name: str) -> ThreadPoolExecutor:
    """Given how many threads there may be and what they do, return a pool of them."""
    context = partial(bind_contextvars, **get_contextvars())
    return ThreadPoolExecutor(most, thread_name_prefix=name, initializer=context)
