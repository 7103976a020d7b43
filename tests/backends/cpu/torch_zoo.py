#!/usr/bin/python3
"""Compares the CPU backend on the models of the zoo with PyTorch: same ONNX weights, same inputs.

Each network is written out here by hand and shares with the backend only the weights, which it takes
from the file in the order in which they lie there. ResNet-50 has its own script. Needs Debian's
python3-torch, python3-onnx and python3-numpy. Exit 1 if a model differs by more than --tolerance of
its largest output.

    torch_zoo.py --bunch build/ci/bin/bunch [MODEL...]
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
from torch.nn import functional


class Weights:
    """The float tensors of a file, one after the other, in double precision."""

    def __init__(self, path):
        graph = onnx.load(path).graph
        self.nodes = graph.node
        tensors = [onnx.numpy_helper.to_array(t) for t in graph.initializer]
        self.rest = [torch.from_numpy(t.copy()).double() for t in tensors if t.dtype == numpy.float32]

    def take(self):
        return self.rest.pop(0)

    def dense(self, x):
        return functional.linear(x, self.take(), self.take())

    def linear(self, x):
        return x @ self.take() + self.take()

    def conv(self, x, bias=True, **options):
        weight = self.take()
        convolve = functional.conv2d if weight.dim() == 4 else functional.conv1d
        return convolve(x, weight, self.take() if bias else None, **options)

    def norm(self, x):
        scale, shift, mean, variance = (self.take() for _ in range(4))
        return functional.batch_norm(x, mean, variance, scale, shift, eps=1e-5)


def dense_chain(w, x, layers):
    for _ in range(layers):
        x = torch.relu(w.dense(x))
    return w.dense(x)


def facile(w, input):
    return dense_chain(w, input, 3)


def mlp(w, input):
    return dense_chain(w, input, 3)


def student(w, input):
    x = input
    for _ in range(4):
        x = torch.relu(w.norm(w.dense(x)))
    return w.dense(x)


def trees(w, input):
    given = {a.name: onnx.helper.get_attribute_value(a) for a in w.nodes[0].attribute}
    nodes = zip(given["nodes_treeids"], given["nodes_nodeids"])
    place = {name: i for i, name in enumerate(nodes)}
    weight = dict(zip(zip(given["target_treeids"], given["target_nodeids"]), given["target_weights"]))
    sums = []
    for row in input.tolist():
        total = 0.0
        for tree in sorted({t for t, _ in place}):
            at = 0
            while (tree, at) not in weight:
                i = place[tree, at]
                side = "nodes_truenodeids" if row[given["nodes_featureids"][i]] <= given["nodes_values"][i] else "nodes_falsenodeids"
                at = given[side][i]
            total += weight[tree, at]
        sums.append([total])
    return torch.tensor(sums, dtype=torch.float64)


def deepcalo(w, input):
    def block(x):
        return torch.relu(w.norm(w.conv(x, bias=False, padding=1)))

    x = block(input)
    for _ in range(2):
        x = block(block(functional.max_pool2d(x, 2)))
    x = block(block(x))
    return dense_chain(w, x.flatten(1), 2)


def protodune(w, input):
    x = torch.relu(w.conv(input, stride=2))
    x = torch.relu(w.conv(x, stride=2))
    x = torch.relu(w.dense(x.flatten(1)))
    x = torch.relu(w.dense(x))
    kind = torch.softmax(w.dense(x), dim=1)
    return torch.cat([kind, torch.sigmoid(w.dense(x))], dim=1)


def deepmet(w, input):
    parts = [input[:, :, :8]]
    for column in (8, 9, 10):
        parts.append(w.take()[input[:, :, column].long()])
    x = torch.tanh(w.linear(torch.cat(parts, dim=2)))
    x = torch.tanh(w.linear(x))
    return (input[:, :, :2] * w.linear(x)).sum(dim=1)


def deeptau(w, tau, inner, outer):
    x = torch.relu(w.dense(torch.relu(w.dense(tau))))
    grids = []
    for grid in (inner, outer):
        y = torch.relu(w.conv(torch.relu(w.conv(grid))))
        while y.shape[2] > 1:
            y = torch.relu(w.conv(y))
        grids.append(y.flatten(1))
    return torch.softmax(dense_chain(w, torch.cat([x, *grids], dim=1), 4), dim=1)


def edge_conv(w, places, x):
    distance = ((places.unsqueeze(3) - places.unsqueeze(2)) ** 2).sum(dim=1)
    count = min(9, x.shape[2])
    index = distance.topk(count, dim=2, largest=False).indices[:, :, 1:]
    rows = torch.arange(x.shape[0]).reshape(-1, 1, 1)
    others = x.transpose(1, 2)[rows, index].permute(0, 3, 1, 2)
    own = x.unsqueeze(3).expand_as(others)
    y = torch.cat([own, others - own], dim=1)
    for _ in range(3):
        y = torch.relu(w.norm(w.conv(y)))
    return torch.relu(y.mean(dim=3) + w.norm(w.conv(x)))


def particlenet(w, particles, vertices):
    places = torch.cat([particles[:, :2], vertices[:, :2]], dim=2)
    a = torch.relu(w.norm(w.conv(particles)))
    x = torch.cat([a, torch.relu(w.norm(w.conv(vertices)))], dim=2)
    blocks = [edge_conv(w, places, x)]
    for _ in range(2):
        blocks.append(edge_conv(w, blocks[-1], blocks[-1]))
    y = torch.relu(w.norm(w.conv(torch.cat(blocks, dim=1)))).mean(dim=2)
    return torch.softmax(w.dense(torch.relu(w.dense(y))), dim=1)


def clouds_with_classes(rows):
    x = torch.randn(rows, 4500, 11)
    for column, classes in ((8, 3), (9, 8), (10, 4)):
        x[:, :, column] = torch.randint(0, classes, (rows, 4500)).float()
    return {"input": x}


def normal(**shapes):
    return lambda rows: {name: torch.randn(rows, *shape) for name, shape in shapes.items()}


# Network, how to make inputs, and for how many rows.
MODELS = {
    "facile": (facile, normal(input=(47,)), 1000),
    "muon": (student, normal(input=(5,)), 100),
    "muon_pair": (student, normal(input=(10,)), 100),
    "mlp_27": (mlp, normal(input=(27,)), 100),
    "mlp_30": (mlp, normal(input=(30,)), 100),
    "mlp_784": (mlp, normal(input=(784,)), 33),
    "trees": (trees, normal(input=(30,)), 1000),
    "deepcalo": (deepcalo, normal(input=(4, 56, 11)), 5),
    "protodune": (protodune, normal(input=(1, 48, 48)), 37),
    "deepmet": (deepmet, clouds_with_classes, 2),
    "deeptau": (deeptau, normal(tau=(47,), inner=(228, 11, 11), outer=(228, 21, 21)), 3),
    "particlenet": (particlenet, normal(particles=(23, 50), vertices=(14, 5)), 17),
    "particlenet, small jets": (particlenet, normal(particles=(23, 3), vertices=(14, 1)), 4),
}


def difference(bunch, name, folder):
    network, inputs_of, rows = MODELS[name]
    model = pathlib.Path(folder, "model.onnx")
    subprocess.run([bunch, "zoo", "write", name.split(",")[0], model], check=True, stdout=subprocess.DEVNULL)
    inputs = inputs_of(rows)
    command = [bunch, "model", "run", model, "--output-dir", folder]
    for key, tensor in inputs.items():
        numpy.save(pathlib.Path(folder, key + ".npy"), tensor.numpy())
        command += ["--input", f"{key}={folder}/{key}.npy"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    weights = Weights(model)
    with torch.no_grad():
        expected = network(weights, **{key: tensor.double() for key, tensor in inputs.items()}).numpy()
    if weights.rest:
        raise SystemExit(f"{name}: {len(weights.rest)} tensors of the file are not part of the network")
    output = onnx.load(model).graph.output[0].name
    actual = numpy.load(pathlib.Path(folder, output + ".npy"))
    if actual.shape != expected.shape:
        raise SystemExit(f"{name}: {actual.shape} instead of {expected.shape}")
    return numpy.abs(actual - expected).max() / numpy.abs(expected).max()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bunch", required=True, help="the program bunch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tolerance", type=float, default=2e-5)
    parser.add_argument("models", nargs="*", help="all if none is named")
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    print(f"seed {arguments.seed}")
    failed = []
    for name in arguments.models or MODELS:
        with tempfile.TemporaryDirectory() as folder:
            found = difference(arguments.bunch, name, folder)
        print(f"{name}: largest difference {found:.2e} of the largest output", flush=True)
        if not found <= arguments.tolerance:
            failed.append(name)
    if failed:
        sys.exit(f"more than {arguments.tolerance:.0e}: {', '.join(failed)}")


if __name__ == "__main__":
    main()
