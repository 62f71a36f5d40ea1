"""A generator on another server that speaks OpenAI's protocol: vLLM, llama.cpp, Ollama, DeepSeek, …

- `opening.open_remote` reaches a server and learns what it can do.
- `generator.RemoteGenerator` writes; `generator.ScoringGenerator` also knows how likely a reply begins.
- `endpoint.Endpoint` says where the server is; `patience.Patience` how often something is tried.
"""
