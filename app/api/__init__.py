"""The HTTP API: OpenAI's format, our own for what it lacks, over the same functions as the page."""
