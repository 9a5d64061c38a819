"""The checkers behind `tests/test_house.py`: each takes source and gives a list of findings, empty when all is well."""
