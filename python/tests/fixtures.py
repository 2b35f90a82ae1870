"""Fixtures of the tests, and of the examples in docstrings, which are outside this folder: so it is a plugin."""

import os
from pathlib import Path

import pytest

from auxlstm import Model

MODELS = Path(__file__).parents[2] / "public" / "models"


@pytest.fixture(scope="session")
def bundle():
    return MODELS / "en.safetensors"


@pytest.fixture(scope="session")
def model(bundle):
    return Model.load(bundle)


@pytest.fixture(scope="session")
def command():
    """The built command line, with which the package must agree."""
    path = os.environ.get("AUXLSTM")
    if path is None:
        pytest.fail("AUXLSTM names no command; make test-python and make test-spark build it")
    return path


@pytest.fixture(autouse=True)
def examples(request, doctest_namespace, model, monkeypatch):
    """The examples run beside the model and call it `model`."""
    monkeypatch.chdir(MODELS)
    doctest_namespace["model"] = model
