"""The web page: chat, knowledge base and retrieval over one `Service`, in English and Chinese."""
