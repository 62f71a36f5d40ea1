"""Versions of adapters: registered whole, never changed, promoted and rolled back by name.

- `registry.Registry` keeps them in a folder, over those that are shipped.
- `manifest.Description` is what the maker of a version knows of it; `manifest.Manifest` is what is stored.
- `entry.check_fits` refuses a version that was made for another base model or prompt.
- `serving.ServedAdapters` makes them known to the generator that answers.
"""
