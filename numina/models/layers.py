"""Check that every layer that is quantised fits the knobs, before any weights are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.models.loading import readable
from numina.settings.models import AWQ_OUTPUTS, Quantize


def check_layers(model: Path, params: Quantize) -> Any:
    """Refuse a group size that does not divide the input of every linear layer, and for AWQ outputs
    that gptqmodel cannot take.

    Returns:
        The model's `transformers` configuration.

    Raises:
        UserError: a layer does not fit, with its name and size, or the configuration is unknown.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with readable(str(model)):
        config = AutoConfig.from_pretrained(model)
        if getattr(config, "quantization_config", None):
            raise UserError(f"{model}: is quantised already")
        with torch.device("meta"):
            network: Any = AutoModelForCausalLM.from_config(config)
    head = network.get_output_embeddings()
    for name, layer in network.named_modules():
        # Routers of experts, `gate` or `..._gate`, are not quantised.
        if layer is head or not isinstance(layer, torch.nn.Linear) or name.endswith("gate"):
            continue
        if layer.in_features % params.group_size:
            raise UserError(
                f"quantize.group_size: {params.group_size} does not divide the input of {name}, "
                f"{layer.in_features}, in {model}"
            )
        if params.method == "awq" and layer.out_features % AWQ_OUTPUTS:
            raise UserError(
                f"quantize.method: awq takes outputs in multiples of {AWQ_OUTPUTS}, and {name} has "
                f"{layer.out_features} in {model}; gptq takes them"
            )
    return config
