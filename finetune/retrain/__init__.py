"""Retraining: pairs and documents become a measured version of an adapter, promoted only if it is better.

- `loop.retrain` runs all steps and resumes; `values.RetrainSettings` decides what comes out.
- `values.Surroundings` is what it asks of the program around it: search, answering, losses.
"""
