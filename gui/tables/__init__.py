"""Qt item models of the window's tables, and how their cells are drawn."""
