"""Seeds that once broke a promise, or what the simulation took for one: docs/simulation.md tells which."""

FOUND: tuple[int, ...] = (36, 93, 130, 212, 583, 2045, 2055, 2669, 3457, 5050, 5584, 5597, 6201)
