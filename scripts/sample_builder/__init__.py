"""Writes the documents of the sample bank from their Markdown sources, one module per family of formats."""
