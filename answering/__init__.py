"""From a question to a checked answer: one function for the page, the command line and evaluation."""
