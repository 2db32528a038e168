"""Does the panel beat its best member, and what does it cost? See docs/evaluation.md."""
