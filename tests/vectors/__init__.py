"""Cases with their right answers, for this implementation and any other. `make_vectors` writes the JSON files."""
