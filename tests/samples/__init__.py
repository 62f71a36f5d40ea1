"""Tests of the sample bank, its builder and its question-answer pairs."""
