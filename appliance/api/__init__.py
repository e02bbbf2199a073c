"""HTTP surfaces: parse, call one function, render. No rules live here."""
