"""`python -m project.demo`: the whole demo in one command, and nothing of it left when that ends."""
