"""A generator on another server that speaks OpenAI's protocol: vLLM, llama.cpp, Ollama, DeepSeek, …

`generator.open_remote` reaches a server and finds out what it can do.
"""
