"""Which deployment answers: from the name that a caller writes to the model that is asked."""
