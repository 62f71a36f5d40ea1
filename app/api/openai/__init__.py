"""What OpenAI's clients call: chat, responses, completions, models, embeddings; and Cohere's rerank."""
