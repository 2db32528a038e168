"""What a stored result says: in numbers, as a table, and as one HTML file."""
