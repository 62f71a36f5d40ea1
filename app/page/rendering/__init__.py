"""What the page shows, as HTML: pure functions of values and words; all text from outside is escaped."""
