"""Report pages: what was trained, measured and dropped, as HTML in English or Chinese."""
