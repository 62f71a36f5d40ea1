"""The base model, and how near an answer is to the accepted ones; adapters are trained here."""
