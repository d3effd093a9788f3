"""The simulator's own killers: for each of these mutants, a schedule that only the mechanism survives."""

SIMULATED = "tests/simulation/test_each_mechanism_is_missed.py::test_a_schedule_that_only_this_mechanism_survives"
