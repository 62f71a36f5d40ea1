"""Retraining over a home folder.

- `pairs.PairStore` keeps the question–answer pairs of each collection.
- `runs.RunStore` keeps the retrainings: create, start, stop, look at. They outlive the page.
- `worker` carries one out; `options.RetrainOptions` lists what can be set.
- `surroundings.WorkspaceSurroundings` is what the loop asks: search, answering, losses.
"""
