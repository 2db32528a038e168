"""The official OpenAI client. Start the server first: `fusion serve --preset offline`.

Real models: set OPENROUTER_API_KEY for the server and start it with `--preset budget`.
"""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("FUSION_URL", "http://127.0.0.1:8000") + "/v1",
    api_key=os.environ.get("FUSION_KEY", "none"),
)
question = [{"role": "user", "content": "What does the check verify?"}]

whole = client.chat.completions.create(
    model="fusion",
    messages=question,
    extra_body={"fusion": {"max_rounds": 0}},  # any of our settings
)
print(whole.choices[0].message.content, "\n")

for chunk in client.chat.completions.create(model="fusion", messages=question, stream=True):
    if event := getattr(chunk, "fusion", None):  # progress, which a plain client ignores
        print(f"[{event['type']}]")
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
