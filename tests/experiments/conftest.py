"""What tests of several experiments use."""

from pathlib import Path

import pytest

from tests.experiments.policy import taught


@pytest.fixture(scope="session")
def policy(model_folder, tmp_path_factory) -> Path:
    """The folder of a tiny policy whose samples run programs; only read."""
    return taught(model_folder, tmp_path_factory.mktemp("taught"))
