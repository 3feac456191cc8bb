# `make demo` and `make test` on a machine that has Python 3.10 to 3.13 and GNU make (3.81 too); everything goes into .venv.
# The work is done by small scripts in tools/; each can be run twice, and pip's settings in the environment hold.
SHELL = /bin/sh
BIN = .venv/bin
WORKERS = 2

.NOTPARALLEL:
.PHONY: help demo test dev lint unit format clean

help:
	@echo 'make demo    the whole road on real handwritten digits, to build/demo (packages from pip only)'
	@echo 'make test    installs what the tests need, then lint and every test'
	@echo 'make lint    ruff, mypy --strict, clang-format'
	@echo 'make unit    the quick tests alone'
	@echo 'make format  renews the format of Python and C'
	@echo 'make clean   removes build/ and caches; .venv stays'

demo:
	@sh tools/setup_venv.sh demo,train,sim 'downloads about 770 MB, 2.8 GB on disk'
	$(BIN)/tinygen demo -o build/demo

test: lint
	@sh tools/setup_system.sh
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests

dev:
	@sh tools/setup_venv.sh dev 'downloads about 904 MB, 3.5 GB on disk'

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict tinygen
	find firmware '(' -name '*.[ch]' -o -name '*.cpp' ')' -exec $(BIN)/clang-format --dry-run -Werror {} +

unit: dev
	$(BIN)/python -m pytest tests/unit

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	find firmware '(' -name '*.[ch]' -o -name '*.cpp' ')' -exec $(BIN)/clang-format -i {} +

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find tinygen tests -name __pycache__ -type d -prune -exec rm -rf {} +
