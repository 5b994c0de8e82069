"""How the numbers are computed: validate, choose a method, run compiled loops over bands of rows."""
