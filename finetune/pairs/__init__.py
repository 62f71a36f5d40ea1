"""Question–answer pairs: read, checked, generated.

- `formats.read_pairs` reads a file of pairs or of other tasks, `formats.write_pairs` writes our own format.
- `check.check_pairs` drops or mends what must not be trained on and says why.
- `generate.generate_pairs` asks a model for questions on passages, `keep.keep_generated` keeps the good ones.
- `personal.find_personal` and `mask_personal` find identity-card, card and phone numbers and the like.
- `near_duplicates` says which texts say nearly the same.
- `values` are `Pair`, `Task`, `Evidence` and `Dropped`.
"""
