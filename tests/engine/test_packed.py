import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from numina.engine.packed import PackedLinear, pack_linears


@pytest.mark.parametrize("shape", [(1, 1), (16, 1), (3, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_computes_the_same(shape, bias):
    torch.manual_seed(0)
    linear, rows = nn.Linear(48, 80, bias=bias), torch.randn(*shape, 48)
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(linear)(rows), linear(rows), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("dtype", "packed"), [(torch.float32, 15), (torch.bfloat16, 0)])
def test_models_in_float32_are_packed(model_folder, dtype, packed):
    network = AutoModelForCausalLM.from_pretrained(model_folder, dtype=dtype)
    pack_linears(network)
    assert sum(type(layer) is PackedLinear for layer in network.modules()) == packed
    assert not packed or not any(type(layer) is nn.Linear for layer in network.modules())
