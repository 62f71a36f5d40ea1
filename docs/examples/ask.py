"""Ask with OpenAI's client, word by word, then show the sources: python ask.py QUESTION."""

import os
import sys

from openai import OpenAI

url = os.environ.get("DOMAINQA_URL", "http://127.0.0.1:7860")
# The client insists on a key; on the server's own machine any will do.
client = OpenAI(base_url=f"{url}/v1", api_key=os.environ.get("DOMAINQA_KEY", "none"))
chunks = client.chat.completions.create(
    model="base",
    messages=[{"role": "user", "content": sys.argv[1]}],
    stream=True,
    extra_body={"collection": "bank"},
)
for chunk in chunks:
    delta = chunk.choices[0].delta
    print(delta.content or "", end="")
    sources = (delta.model_extra or {}).get("sources")
    if sources:
        print()
        for citation in sources["citations"]:
            print(f"[{citation['number']}] {citation['document']}: {citation['quote']}")
