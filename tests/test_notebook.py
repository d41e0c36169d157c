"""The notebook for Kaggle and Colab, executed with the small model of the tests."""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebooks/kaggle_colab.ipynb"


@pytest.mark.parametrize("kept", ["outputs", "execution_count"])
def test_it_is_kept_without_what_it_printed(kept):
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert [cell for cell in cells if cell.get(kept)] == []


def test_it_runs_from_set_up_to_a_submission(model_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMINA_FOLDER", str(ROOT))
    monkeypatch.setenv("NUMINA_MODEL", str(model_folder))
    monkeypatch.setenv("NUMINA_PROFILE", "smoke")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert (tmp_path / "submission.csv").read_text().splitlines()[0] == "id,answer"
    assert len((tmp_path / "submission.csv").read_text().splitlines()) == 3
