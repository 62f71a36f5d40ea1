"""Question–answer pairs: read, checked, generated, stored.

- `formats.read_pairs` reads a file of pairs or of other tasks, `formats.write_pairs` writes our own format.
- `check.check_pairs` drops or repairs what must not be trained on and says why.
- `store.PairStore` keeps the checked pairs of each collection; `feedback` makes pairs of users' verdicts.
- `generate.write_pairs_on` lets a model write questions on passages, and keeps the good ones.
- `personal` finds and masks identity-card, card and phone numbers and the like.
- `near_duplicates` says which texts say nearly the same.
"""
