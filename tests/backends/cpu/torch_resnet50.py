#!/usr/bin/python3
"""Compares the CPU backend on ResNet-50 with PyTorch: same ONNX weights, same images.

The network is written out here by hand, layer by layer, and shares with the backend only the file.
Needs Debian's python3-torch, python3-onnx and python3-numpy. Exit 1 if they differ by more than
--tolerance of the largest output.

    torch_resnet50.py --model resnet50.onnx --run build/ci/bin/bunch-cpu-run
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnx.numpy_helper
import torch
from torch import nn

STAGES = ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2))  # blocks, width, stride


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.reduce = nn.Conv2d(inputs, width, 1, bias=False)
        self.reduce_norm = nn.BatchNorm2d(width)
        self.spatial = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.spatial_norm = nn.BatchNorm2d(width)
        self.expand = nn.Conv2d(width, outputs, 1, bias=False)
        self.expand_norm = nn.BatchNorm2d(outputs)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = torch.relu(self.reduce_norm(self.reduce(x)))
        y = torch.relu(self.spatial_norm(self.spatial(y)))
        y = self.expand_norm(self.expand(y))
        if self.shortcut is not None:
            x = self.shortcut_norm(self.shortcut(x))
        return torch.relu(y + x)


class ResNet50(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.stem_norm = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        blocks = []
        inputs = 64
        for count, width, stride in STAGES:
            for index in range(count):
                blocks.append(Bottleneck(inputs, width, stride if index == 0 else 1))
                inputs = 4 * width
        self.blocks = nn.Sequential(*blocks)
        self.classify = nn.Linear(2048, 1000)

    def forward(self, x):
        x = self.pool(torch.relu(self.stem_norm(self.stem(x))))
        x = self.blocks(x)
        return self.classify(x.mean(dim=(2, 3)))

    def layers(self):
        """(convolution, normalisation) pairs by the name of the block that holds them."""
        yield "stem", self.stem, self.stem_norm
        for block in self.blocks:
            yield "reduce", block.reduce, block.reduce_norm
            yield "spatial", block.spatial, block.spatial_norm
            yield "expand", block.expand, block.expand_norm
            if block.shortcut is not None:
                yield "shortcut", block.shortcut, block.shortcut_norm


def onnx_layers(graph):
    """[(weights, scale, bias, mean, variance, epsilon)] of each Conv and the norm that reads it."""
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    norms = {n.input[0]: n for n in graph.node if n.op_type == "BatchNormalization"}
    layers = []
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        norm = norms[node.output[0]]
        epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
        layers.append((tensors[node.input[1]], *(tensors[i] for i in norm.input[1:]), epsilon))
    gemm = next(n for n in graph.node if n.op_type == "Gemm")
    transposed = next((a.i for a in gemm.attribute if a.name == "transB"), 0)
    weights = tensors[gemm.input[1]]
    return layers, weights if transposed else weights.T, tensors[gemm.input[2]]


def load(network, path):
    """Copies the file's weights into the network. Shortcuts may come before or after their block."""
    layers, weights, bias = onnx_layers(onnx.load(path).graph)
    remaining = list(layers)
    for name, convolution, norm in network.layers():
        shape = tuple(convolution.weight.shape)
        # A shortcut's shape may come a few layers early; all else comes in order.
        found = next(i for i, layer in enumerate(remaining) if layer[0].shape == shape)
        if found > 1:
            raise SystemExit(f"{path}: no weights {shape} for the next layer, '{name}'")
        kernel, scale, shift, mean, variance, epsilon = remaining.pop(found)
        norm.eps = epsilon
        for parameter, value in ((convolution.weight, kernel), (norm.weight, scale), (norm.bias, shift),
                                 (norm.running_mean, mean), (norm.running_var, variance)):
            parameter.data.copy_(torch.from_numpy(value.copy()))
    if remaining:
        raise SystemExit(f"{path}: {len(remaining)} convolutions are not part of ResNet-50")
    network.classify.weight.data.copy_(torch.from_numpy(weights.copy()))
    network.classify.bias.data.copy_(torch.from_numpy(bias.copy()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--run", required=True, help="the program bunch-cpu-run")
    parser.add_argument("--images", type=int, default=13, help="13 run as plans for 8, 4 and 1 where there are such")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tolerance", type=float, default=2e-5)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    print(f"seed {arguments.seed}, {arguments.images} images")
    images = torch.randn(arguments.images, 3, 224, 224)
    network = ResNet50().double().eval()
    load(network, arguments.model)
    with torch.no_grad():
        expected = network(images.double()).numpy()

    with tempfile.TemporaryDirectory() as folder:
        source, result = pathlib.Path(folder, "x.npy"), pathlib.Path(folder, "y.npy")
        numpy.save(source, images.numpy())
        subprocess.run([arguments.run, arguments.model, "--input", source, "--output", result], check=True)
        actual = numpy.load(result)

    difference = numpy.abs(actual - expected).max() / numpy.abs(expected).max()
    same_class = (actual.argmax(axis=1) == expected.argmax(axis=1)).mean()
    print(f"largest difference {difference:.2e} of the largest output; same class in {same_class:.0%}")
    if not difference <= arguments.tolerance:
        sys.exit(f"more than {arguments.tolerance:.0e}")


if __name__ == "__main__":
    main()
