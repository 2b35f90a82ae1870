"""Fixtures of the tests, and of the examples in docstrings, which are outside this folder: so it is a plugin."""

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


@pytest.fixture(autouse=True)
def examples(request, doctest_namespace, model, monkeypatch):
    """The examples run beside the model and call it `model`."""
    monkeypatch.chdir(MODELS)
    doctest_namespace["model"] = model
