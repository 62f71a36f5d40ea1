"""Retraining: pairs and documents become a measured version of an adapter, promoted only if it is better.

- `retraining.Retraining` runs all steps and resumes; `finetune.settings.RetrainSettings` are its options.
- `commands` is what the commands retrain, train and evaluate do; `runs.RunStore` lists the runs of a home.
"""
