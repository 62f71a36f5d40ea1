"""Which words the page has: one field each, so that a missing translation is a type error."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The words of one language. Names in braces are filled in by `str.format`."""

    # Frame
    language: Language
    title: str
    subtitle: str
    page_language: str
    theme: str
    chat: str
    knowledge: str
    retrieval: str
    collection: str
    close: str
    cancel: str
    # Chat
    adapter: str
    compare: str
    compare_off: str
    new_chat: str
    ask: str
    ask_placeholder: str
    send: str
    stop: str
    welcome: str
    welcome_hint: str
    no_documents: str
    examples: tuple[str, ...]
    waiting: str
    searching: str
    reading: str
    stopped: str
    refused: str
    nearest: str
    sources: str
    unsupported: str
    unsupported_hint: str
    confidence: str
    confidence_hint: str
    seconds: str
    helpful: str
    unhelpful: str
    correct: str
    regenerate: str
    copy: str
    thanks: str
    correction: str
    correction_placeholder: str
    comment: str
    save: str
    source_hint: str
    you: str
    # Documents
    page: str
    passage_of: str
    passages: str
    shortened: str
    documents: str
    document: str
    size: str
    modified: str
    filter_placeholder: str
    showing: str
    nothing_found: str
    empty_collection: str
    delete_document: str
    delete_document_sure: str
    deleted_document: str
    # Collections
    new_collection: str
    create: str
    created: str
    delete_collection: str
    delete_collection_sure: str
    deleted_collection: str
    summary: str
    upload: str
    upload_hint: str
    uploading: str
    uploaded: str
    added: str
    changed: str
    unchanged: str
    failed: str
    # Retrieval
    query: str
    query_placeholder: str
    search: str
    count: str
    filters: str
    folder: str
    folder_placeholder: str
    formats: str
    only_documents: str
    after: str
    before: str
    date_placeholder: str
    bad_date: str
    bad_date_remedy: str
    rank: str
    dense: str
    lexical: str
    fused: str
    found: str
    search_hint: str
    show_prompt: str
    show_prompt_hint: str
    prompt: str
    standalone: str
    signals: str
    stages: str
    left_out: str
