#!/bin/sh
# The OpenAI API with curl, whole and as a stream. Start the server first: fusion serve --preset offline
# Real models: set OPENROUTER_API_KEY for the server and start it with --preset budget.
set -eu
URL=${FUSION_URL:-http://127.0.0.1:8000}
ASK='"model": "fusion", "messages": [{"role": "user", "content": "What does the check verify?"}]'
curl -sS --fail-with-body "$URL/v1/chat/completions" -H 'Content-Type: application/json' -d "{$ASK}"
echo
curl -sSN --fail-with-body "$URL/v1/chat/completions" -H 'Content-Type: application/json' \
  -d "{$ASK, \"stream\": true, \"fusion\": {\"max_rounds\": 0}}"
