"""What is taken and answered, as the server describes it: a TypedDict for each body, answer and event."""

from ._generated import *  # noqa: F403
