#!/bin/sh
# Your own preset file. Real models: set OPENROUTER_API_KEY and choose the preset `careful`.
set -eu
export FUSION_PRESETS=examples/presets.toml
fusion presets
fusion ask --preset notes --quiet "What does the check verify?"
