"""Documents become stored, identified passages.

- `ingest.synchronise` brings a store in step with a folder; `watch.watch` keeps it so.
- `loaders.load` reads one file of any format; `chunking.chunk` makes passages of it.
- `sentences.sentence_spans` finds sentences in English and Chinese.
- `values` are what documents consist of, and `PassageStore`, what ingestion needs of a store.
- `errors` are all failures that domainqa raises on purpose.
"""
