"""Training: samples and a base model become an adapter.

- `train.train` does all of it, resumable; `finetune.settings.TrainSettings` says how.
- `packing` reads what samples share only once; `network` computes losses where replies are.
- `forgetting` limits what the adapter forgets; `saving` writes the PEFT folder and reads it back.
"""
