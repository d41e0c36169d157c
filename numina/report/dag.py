"""The pipeline's picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

WIDTH, HIGH, WIDE, GAP = 430, 28, 128, 50  # of the picture, of a box, and from layer to layer


def expanded(path: str, stage: Mapping[str, Any]) -> list[str]:
    """A path with each value of the stage's matrix, or as it is."""
    found = [path]
    for key, values in stage.get("matrix", {}).items():
        name = f"${{item.{key}}}"
        found = [text.replace(name, str(value)) for text in found for value in values]
    return list(dict.fromkeys(found))


def dag_edges(stages: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pairs of stages where the second depends on an out of the first."""
    makers: dict[str, str] = {}
    for name, stage in stages.items():
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
            for path in expanded(out if isinstance(out, str) else next(iter(out)), stage):
                makers[path] = name
    edges = set()
    for name, stage in stages.items():
        for dep in (path for named in stage.get("deps", []) for path in expanded(named, stage)):
            for path, maker in makers.items():
                if maker != name and (dep == path or dep.startswith(path + "/")):
                    edges.add((maker, name))
    return sorted(edges)


def plain_edges(edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges without those that a longer way says already."""
    below: dict[str, set[str]] = {}
    for above, name in edges:
        below.setdefault(above, set()).add(name)

    def reached(start: str) -> set[str]:
        return {start}.union(*(reached(name) for name in below.get(start, ())))

    return [
        (above, name)
        for above, name in edges
        if not any(name in reached(other) for other in below[above] - {name})
    ]


def dag_chart(dvc_yaml: Path) -> str:
    """The stages in layers, each below all that it depends on, as SVG."""
    stages = yaml.safe_load(dvc_yaml.read_text(encoding="utf-8"))["stages"]
    edges = plain_edges(dag_edges(stages))
    layer = dict.fromkeys(stages, 0)
    for _ in stages:
        for above, below in edges:
            layer[below] = max(layer[below], layer[above] + 1)
    place: dict[str, tuple[float, float]] = {}
    for depth in range(max(layer.values()) + 1):
        row = [name for name in stages if layer[name] == depth]
        for position, name in enumerate(row):
            place[name] = (WIDTH * (position + 0.5) / len(row), 20 + depth * GAP)
    parts = [
        f'<svg class="dag" viewBox="0 0 {WIDTH} {20 + (max(layer.values()) + 0.6) * GAP:.0f}" '
        'role="img" aria-label="The stages of the pipeline">'
    ]
    for above, below in edges:
        (x1, y1), (x2, y2) = place[above], place[below]
        y1, y2 = y1 + HIGH / 2, y2 - HIGH / 2
        middle = (y1 + y2) / 2
        parts.append(
            f'<path d="M{x1:.0f},{y1:.0f} C{x1:.0f},{middle:.0f} {x2:.0f},{middle:.0f} '
            f'{x2:.0f},{y2:.0f}"/>'
        )
    for name, (x, y) in place.items():
        parts.append(
            f'<rect x="{x - WIDE / 2:.0f}" y="{y - HIGH / 2:.0f}" width="{WIDE}" height="{HIGH}" '
            f'rx="6"/><text x="{x:.0f}" y="{y + 4:.0f}">{name}</text>'
        )
    return "".join(parts) + "</svg>"
