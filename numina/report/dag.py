"""The pipeline's picture: stages in layers, with arrows for the files that they pass on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import yaml

WIDE, HIGH = 122, 28  # of a box
SLOT, GAP = 142, 58  # from box to box of a layer, and from layer to layer
SWEEPS = 8  # up and down over the layers, to bring boxes under what they depend on
Point = tuple[float, float]
Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands.

    Attributes:
        boxes: the middle of each stage's box.
        routes: the points of each edge: the middle of its first box, a place of its own in every
            layer between, the middle of its last box.
        width, height: of the picture.
    """

    boxes: dict[str, Point]
    routes: dict[Edge, list[Point]]
    width: float
    height: float


def instances(stage: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A stage as it is written, once for each entry of its `foreach` or `matrix`.

    `foreach` is a list, or a mapping whose names are the keys; `matrix` is a mapping of lists.
    """
    if "matrix" in stage:
        axes = stage["matrix"]
        for values in itertools.product(*axes.values()):
            yield filled(stage, "", dict(zip(axes, values, strict=True)))
    elif "foreach" in stage:
        entries = stage["foreach"]
        named = entries if isinstance(entries, dict) else {str(n): e for n, e in enumerate(entries)}
        for key, item in named.items():
            yield filled(stage["do"], key, item)
    else:
        yield stage


def filled(value: Any, key: str, item: Any) -> Any:
    """A stage's fields with `${key}`, `${item}` and `${item.name}` filled in."""
    if isinstance(value, str):
        names = {"key": key, "item": item}
        if isinstance(item, dict):
            names |= {f"item.{name}": part for name, part in item.items()}
        for name, part in names.items():
            value = value.replace(f"${{{name}}}", str(part))
        return value
    if isinstance(value, list):
        return [filled(part, key, item) for part in value]
    if isinstance(value, dict):
        return {filled(name, key, item): filled(part, key, item) for name, part in value.items()}
    return value


def dag_edges(stages: Mapping[str, Any]) -> list[Edge]:
    """Pairs of stages: the second depends on an out of the first, or on a file in that out.

    Args:
        stages: as in dvc.yaml.
    """
    makers: dict[str, str] = {}
    for name, stage in stages.items():
        for one in instances(stage):
            for out in [*one.get("outs", []), *one.get("metrics", [])]:
                makers[out if isinstance(out, str) else next(iter(out))] = name
    edges = set()
    for name, stage in stages.items():
        for dep in (dep for one in instances(stage) for dep in one.get("deps", [])):
            for path, maker in makers.items():
                inside = dep.startswith(path + "/") or path.startswith(dep + "/")
                if maker != name and (dep == path or inside):
                    edges.add((maker, name))
    return sorted(edges)


def plain_edges(edges: list[Edge]) -> list[Edge]:
    """The edges without those that a longer path implies."""
    return sorted(nx.transitive_reduction(nx.DiGraph(edges)).edges)


def layout(names: list[str], edges: list[Edge]) -> Layout:
    """Each stage as low as what depends on it allows; no edge goes through another's box."""
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(names)
    layer = {
        name: depth for depth, row in enumerate(nx.topological_generations(graph)) for name in row
    }
    for name in reversed(list(nx.topological_sort(graph))):
        if graph.out_degree(name):
            layer[name] = min(layer[below] for below in graph[name]) - 1
    # An edge takes a place in every layer that it passes, so that no box is drawn there.
    ways = {
        (above, below): [
            above,
            *((above, below, d) for d in range(layer[above] + 1, layer[below])),
            below,
        ]
        for above, below in edges
    }
    steps = nx.DiGraph(step for way in ways.values() for step in itertools.pairwise(way))
    steps.add_nodes_from(names)
    depth_of = {node: layer[node] if node in layer else node[2] for node in steps}
    rows = [[node for node in steps if depth_of[node] == d] for d in range(max(layer.values()) + 1)]
    place = untangled(steps, rows)
    width = SLOT * max(map(len, rows))
    point = {
        node: (width * (place[node] + 0.5) / len(row), HIGH / 2 + 6 + depth * GAP)
        for depth, row in enumerate(rows)
        for node in row
    }
    return Layout(
        {name: point[name] for name in names},
        {edge: [point[node] for node in way] for edge, way in ways.items()},
        width,
        (len(rows) - 1) * GAP + HIGH + 12,
    )


def untangled(steps: nx.DiGraph, rows: list[list[Any]]) -> dict[Any, int]:
    """The place of each node in its layer, by the mean place of its neighbours in the next one.

    The barycentre heuristic of Sugiyama, Tagawa and Toda (1981); the best of its sweeps is kept.
    """
    rows = [list(row) for row in rows]
    best, fewest = placed(rows), None
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = steps.predecessors if down else steps.successors
        for row in rows if down else reversed(rows):
            share = {node: (n + 0.5) / len(r) for r in rows for n, node in enumerate(r)}
            means = {}
            for node in row:
                near = [share[other] for other in neighbours(node)]
                means[node] = sum(near) / len(near) if near else share[node]
            row.sort(key=means.__getitem__)
        place = placed(rows)
        crossed = crossings(steps, rows, place)
        if fewest is None or crossed < fewest:
            best, fewest = place, crossed
    return best


def placed(rows: list[list[Any]]) -> dict[Any, int]:
    return {node: place for row in rows for place, node in enumerate(row)}


def crossings(steps: nx.DiGraph, rows: list[list[Any]], place: Mapping[Any, int]) -> int:
    """How many pairs of edges cross between neighbouring layers."""
    count = 0
    for row in rows:
        ends = [(place[node], place[below]) for node in row for below in steps[node]]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(ends, 2))
    return count


def dag_chart(dvc_yaml: Path) -> str:
    """The stages in layers, each below all its dependencies, as SVG."""
    stages = yaml.safe_load(dvc_yaml.read_text(encoding="utf-8"))["stages"]
    found = layout(list(stages), plain_edges(dag_edges(stages)))
    parts = [
        f'<svg class="dag" viewBox="0 0 {found.width:.0f} {found.height:.0f}" role="img" '
        'aria-label="The stages of the pipeline, with arrows from each to those that use its '
        'files"><defs><marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto" markerUnits="userSpaceOnUse"><path d="M0,0 L8,4 L0,8 z"/>'
        "</marker></defs>"
    ]
    for (above, below), points in found.routes.items():
        parts.append(
            f'<path class="edge" d="{route(points)}" marker-end="url(#arrow)">'
            f"<title>{above} → {below}</title></path>"
        )
    for name, (x, y) in found.boxes.items():
        parts.append(
            f'<rect x="{x - WIDE / 2:.1f}" y="{y - HIGH / 2:.1f}" width="{WIDE}" height="{HIGH}" '
            f'rx="6"/><text x="{x:.1f}" y="{y + 4:.1f}">{name}</text>'
        )
    return "".join(parts) + "</svg>"


def route(points: list[Point]) -> str:
    """An SVG path from under the first box, straight through the layers between, onto the last."""
    (x, y), *rest = points
    path = [f"M{x:.1f},{y + HIGH / 2:.1f}"]
    for number, (to_x, to_y) in enumerate(rest, 1):
        start, end = y + HIGH / 2, to_y - HIGH / 2
        middle = (start + end) / 2
        path.append(f"C{x:.1f},{middle:.1f} {to_x:.1f},{middle:.1f} {to_x:.1f},{end:.1f}")
        if number < len(rest):
            path.append(f"L{to_x:.1f},{to_y + HIGH / 2:.1f}")
        x, y = to_x, to_y
    return " ".join(path)
