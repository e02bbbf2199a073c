"""Numbers of digits alone: one run of digits is looked at as a whole, and every kind says how sure it is that it is one."""
