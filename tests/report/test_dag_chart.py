"""The picture of the DAG: every stage, and edges that say the truth."""

import itertools

import pytest
import yaml

from numina.report.dag import HIGH, WIDE, dag_chart, dag_edges, instances, layout, plain_edges
from tests.dag import ROOT, stages

RAW = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def test_the_picture_has_every_stage_and_its_edges_with_arrows():
    edges = dag_edges(RAW)
    assert ("sft_cot", "sft_tir") in edges
    assert ("quantize", "eval_greedy") in edges
    assert ("sft_cot", "eval_greedy") in edges
    assert ("digitize", "collect") in edges
    assert ("score", "report") in edges
    assert all(above != "report" for above, _ in edges)
    picture = dag_chart(ROOT / "dvc.yaml")
    assert all(f">{name}</text>" in picture for name in stages())
    assert picture.count('marker-end="url(#arrow)"') == len(plain_edges(edges))
    assert all(f"<title>{a} → {b}</title>" in picture for a, b in plain_edges(edges))


def test_an_edge_that_a_longer_way_says_already_is_not_drawn():
    assert plain_edges([("a", "b"), ("a", "c"), ("b", "c")]) == [("a", "b"), ("b", "c")]


@pytest.mark.parametrize(
    ("sweep", "outs", "made"),
    [
        ({"foreach": {"x": {"tools": 1}, "y": {}}}, ["o/${key}"], ["o/x", "o/y"]),
        ({"foreach": {"x": 1}}, ["o/${key}-${item}"], ["o/x-1"]),
        ({"foreach": ["x", 2]}, ["o/${item}"], ["o/x", "o/2"]),
        ({"foreach": [{"n": "x"}, {"n": "y"}]}, ["o/${item.n}"], ["o/x", "o/y"]),
        ({"matrix": {"a": [1, 2], "b": ["x"]}}, ["o/${item.a}${item.b}"], ["o/1x", "o/2x"]),
    ],
)
def test_every_entry_of_a_sweep_is_read(sweep, outs, made):
    stage = {**sweep, "do": {"outs": outs}} if "foreach" in sweep else {**sweep, "outs": outs}
    assert [one["outs"] for one in instances(stage)] == [[path] for path in made]
    reader = {"deps": [made[-1]]}
    assert dag_edges({"sweep": stage, "reader": reader}) == [("sweep", "reader")]


def test_outs_with_options_and_folders_around_outs_make_edges():
    made = {"outs": [{"eval/greedy/tir": {"cache": False}}], "metrics": ["m.json"]}
    found = dag_edges({"a": made, "b": {"deps": ["eval/greedy"]}, "c": {"deps": ["m.json"]}})
    assert found == [("a", "b"), ("a", "c")]


@pytest.mark.parametrize(
    "edges",
    [
        plain_edges(dag_edges(RAW)),
        [("a", "b"), ("b", "c"), ("c", "d"), ("x", "d"), ("a", "y"), ("y", "d"), ("z", "c")],
        [(a, b) for a, b in itertools.product("abc", "xyz")],
    ],
)
def test_no_edge_goes_through_a_box_that_is_not_its_own(edges):
    found = layout(sorted({name for edge in edges for name in edge}), edges)
    assert set(found.routes) == set(edges)
    for (above, below), points in found.routes.items():
        assert points[0] == found.boxes[above] and points[-1] == found.boxes[below]
        assert all(high < low for (_, high), (_, low) in itertools.pairwise(points))
        for x, y in points[1:-1]:
            for box_x, box_y in found.boxes.values():
                assert abs(x - box_x) >= WIDE / 2 or abs(y - box_y) >= HIGH
    spots = list(found.boxes.values())
    assert all(
        abs(x1 - x2) > WIDE or abs(y1 - y2) > HIGH
        for (x1, y1), (x2, y2) in itertools.combinations(spots, 2)
    )
    assert all(WIDE / 2 <= x <= found.width - WIDE / 2 for x, _ in spots)
