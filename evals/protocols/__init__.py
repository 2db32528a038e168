"""How an answer is graded: frozen, named, hashed. Scores of different protocols never mix."""
