"""How the schema came to be, step by step. A migration is never edited once it has landed."""
