"""What a caller may send with a question: a conversation, files, its own tools, a form."""
