#!/usr/bin/env python3
"""Times the programs for a CPU that a user would take instead: ONNX Runtime, OpenVINO, PyTorch, MNN and ncnn.

Set up outside the repository:
  python3 -m venv VENV
  VENV/bin/pip install torch torchvision timm onnx onnxscript onnxruntime openvino MNN ncnn pnnx
Usage:
  VENV/bin/python peers.py infer|train [--nets A,B] [--threads 1,2] [--batch 1,16] [--seconds 2] [--peers ort,openvino,torch,mnn,ncnn]
Prints one JSON object a line: peer, net, threads, batch, ms (median), min_ms, p90_ms, images_per_s, reps, or error. Only rows of one
machine and one quarter of an hour are comparable; `make bench-peers` times `lineage bench` in turns with this program.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings

parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["infer", "train"])
parser.add_argument("--nets")
parser.add_argument("--threads", default="1,2")
parser.add_argument("--batch", default="1,16")
parser.add_argument("--seconds", type=float, default=2.0)
parser.add_argument("--peers")
parser.add_argument("--onnx-dir", default="peers-onnx")
a = parser.parse_args()
# glibc would give every large block back to the kernel, and PyTorch pay for page faults: the peers get their best.
if os.environ.get("PEERS_TUNED") != "1":
    os.environ.update(PEERS_TUNED="1", MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 36), MALLOC_TOP_PAD_=str(64 << 20))
    os.execv(sys.executable, [sys.executable] + sys.argv)
warnings.filterwarnings("ignore")

import timm
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

TORCHVISION = ("alexnet", "vgg16", "googlenet", "resnet18", "resnet50", "resnext50_32x4d", "mobilenet_v2", "mnasnet1_0", "efficientnet_b0")
DETECTORS = ("retinanet_resnet50_fpn",)
SIZES = {"retinanet_resnet50_fpn": 640, "inception_v3": 299, "inception_v4": 299, "inception_resnet_v2": 299, "nasnetalarge": 331, "pnasnet5large": 331, "efficientnet_b4": 380}
INFER = TORCHVISION + ("inception_v3", "inception_v4", "inception_resnet_v2", "seresnet50", "mobilenetv1_100", "semnasnet_100", "nasnetalarge",
                       "pnasnet5large", "efficientnet_b4") + DETECTORS


class Detector(nn.Module):
    """Backbone and heads alone, as `lineage bench` times them: scores and boxes of each level, without choosing among them."""
    outputs = 10

    def __init__(self, whole):
        super().__init__()
        self.backbone, self.heads = whole.backbone, whole.head

    def forward(self, x):
        levels, y = list(self.backbone(x).values()), []
        for head, last in ((self.heads.classification_head, "cls_logits"), (self.heads.regression_head, "bbox_reg")):
            y += [getattr(head, last)(head.conv(level)) for level in levels]
        return y


def network(name):
    """With random weights and statistics of its own outputs, so that no value is denormal."""
    torch.manual_seed(0)
    size = SIZES.get(name, 224)
    if name in DETECTORS:
        model = Detector(getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None))
    elif name in TORCHVISION + ("inception_v3", "efficientnet_b4"):
        options = dict(init_weights=False, aux_logits=False) if name in ("googlenet", "inception_v3") else {}
        model = getattr(torchvision.models, name)(weights=None, **options)
        if name == "inception_v3":
            model.transform_input = False
    else:
        model = timm.create_model(name, pretrained=False)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    if norms:
        model.train()
        with torch.no_grad():
            model(torch.randn(2, 3, size, size))
    return model.eval(), size


def clock(step, seconds=None, least=3):
    step(), step()
    times, begin = [], time.perf_counter()
    while len(times) < least or time.perf_counter() - begin < (seconds or a.seconds):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def report(times, batch, **what):
    times = sorted(times)
    median = statistics.median(times)
    print(json.dumps(dict(**what, batch=batch, ms=round(median, 3), min_ms=round(times[0], 3), p90_ms=round(times[int(0.9 * (len(times) - 1))], 3),
                          images_per_s=round(batch * 1e3 / median, 1), reps=len(times))), flush=True)


# ---- inference: each returns a step that runs the network once -------------------------------------------------------------

def need_one_output(model):
    if getattr(model, "outputs", 1) > 1:
        raise ValueError("is asked for one output here, which would leave out a part of this network")


def converter(name):
    return os.path.join(os.path.dirname(sys.executable), name)


def step_ort(model, x, path, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x.numpy()}
    return lambda: session.run(None, feed)


def step_openvino(model, x, path, threads):
    import openvino
    options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(path, "CPU", options).create_infer_request()
    image = x.numpy()
    return lambda: request.infer([image])


def step_mnn(model, x, path, threads):
    import MNN
    need_one_output(model)
    converted = path[:-4] + "mnn"
    if not os.path.exists(converted):
        subprocess.run([converter("mnnconvert"), "-f", "ONNX", "--modelFile", path, "--MNNModel", converted, "--bizCode", "x"], check=True,
                       capture_output=True)
    runtime = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": threads, "precision": "high", "memory": "high", "power": "high"},))
    net = MNN.nn.load_module_from_file(converted, [], [], runtime_manager=runtime)
    image = MNN.expr.const(x.numpy(), list(x.shape), MNN.expr.NCHW)

    def step():
        y = net.forward([image])
        (y[0] if isinstance(y, (list, tuple)) else y).read()
    return step


def step_ncnn(model, x, path, threads):
    import ncnn
    import numpy
    need_one_output(model)
    if x.shape[0] != 1:
        raise ValueError("takes one image at a time")
    base = path[:-5] + ".ncnn"
    if not os.path.exists(base + ".param"):
        subprocess.run([converter("pnnx"), path, "fp16=0"], check=True, capture_output=True)
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    net.load_param(base + ".param")
    net.load_model(base + ".bin")
    image = x.numpy()[0].copy()

    def step():
        run = net.create_extractor()
        run.input("in0", ncnn.Mat(image))
        failed, y = run.extract("out0")
        numpy.array(y)
        assert failed == 0
    return step


def step_torch(model, x, path, threads, compiled=False):
    torch.set_num_threads(threads)
    run, image = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    if compiled:
        import torch._inductor.config as inductor
        inductor.freezing = True
        run = torch.compile(run)

    def step():
        with torch.no_grad():
            run(image)
    return step


STEPS = {"ort": step_ort, "openvino": step_openvino, "mnn": step_mnn, "ncnn": step_ncnn, "torch": step_torch,
         "compile": lambda *given: step_torch(*given, compiled=True)}


def export(model, x, path):
    if os.path.exists(path):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=17)
    except TypeError:
        torch.onnx.export(model, (x,), path)


def infer():
    for name in a.nets.split(",") if a.nets else INFER:
        model, size = network(name)
        for batch in map(int, a.batch.split(",")):
            x, path = torch.randn(batch, 3, size, size), f"{a.onnx_dir}/{name}_{batch}.onnx"
            export(model, x, path)
            for threads in map(int, a.threads.split(",")):
                for peer in (a.peers or "ort,openvino,torch,mnn,ncnn").split(","):
                    what = dict(peer=peer, net=name, threads=threads)
                    try:
                        report(clock(STEPS[peer](model, x, path, threads)), batch, **what)
                    except Exception as e:
                        print(json.dumps(dict(**what, batch=batch, error=str(e)[:200])), flush=True)


# ---- training: the networks that are timed, as PyTorch users write them -----------------------------------------------------

class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.pad, self.stride = (outputs - inputs) // 2, stride

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + (x if self.stride == 1 else F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))))


class Pooled(nn.Module):
    """Layers, the mean over the image, and a linear layer of 10 outputs."""
    def __init__(self, layers, channels):
        super().__init__()
        self.layers, self.fc = nn.Sequential(*layers), nn.Linear(channels, 10)

    def forward(self, x):
        return self.fc(self.layers(x).mean((2, 3)))


def cifar_resnet(blocks, channels, width=16):
    layers, inputs = [nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()], width
    for stage in range(3):
        for block in range(blocks):
            layers.append(Block(inputs, width << stage, 2 if block == 0 and stage else 1))
            inputs = width << stage
    return Pooled(layers, inputs)


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.c3 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5), nn.Conv2d(16, 120, 5)
        self.f1, self.f2 = nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.c1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.c2(x)), 2)
        return self.f2(torch.tanh(self.f1(torch.tanh(self.c3(x)).flatten(1))))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden, self.adds = inputs * expansion, stride == 1 and inputs == outputs
        self.layers = nn.Sequential(nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(),
                                    nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(),
                                    nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return x + self.layers(x) if self.adds else self.layers(x)


def mobilenetv2_small():
    layers, inputs = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6()], 16
    for outputs, stride, blocks in ((24, 1, 2), (32, 2, 3), (64, 2, 3)):
        for block in range(blocks):
            layers.append(InvertedResidual(inputs, outputs, 1 if block else stride, 6))
            inputs = outputs
    return Pooled(layers + [nn.Conv2d(inputs, 256, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU6()], 256)


def separable(channels, side):
    layers = []
    for _ in range(2):
        layers += [nn.ReLU(), nn.Conv2d(channels, channels, side, 1, side // 2, groups=channels, bias=False),
                   nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels)]
    return nn.Sequential(*layers)


class Cell(nn.Module):
    """Five sums of a separable 3x3 or 5x5 and a pool or the identity, as NASNet-A's normal cell mixes them."""
    def __init__(self, inputs, channels):
        super().__init__()
        self.fit = nn.Sequential(nn.ReLU(), nn.Conv2d(inputs, channels, 1, bias=False), nn.BatchNorm2d(channels))
        self.separable = nn.ModuleList([separable(channels, side) for side in (3, 5, 5, 3, 3)])

    def forward(self, x):
        x = self.fit(x)
        pool, s = F.avg_pool2d(x, 3, 1, 1), self.separable
        return torch.cat([x, s[0](x) + x, s[1](x) + s[3](x), s[2](x) + pool, pool + pool, s[4](x) + x], 1)


def cells_small():
    layers, inputs = [nn.Conv2d(1, 24, 3, 1, 1, bias=False), nn.BatchNorm2d(24)], 24
    for stage, filters in enumerate((8, 16, 32)):
        layers += [nn.MaxPool2d(2)] if stage else []
        for _ in range(2):
            layers.append(Cell(inputs, filters))
            inputs = 6 * filters
    return Pooled(layers + [nn.ReLU()], inputs)


TRAIN = {"lenet5": (LeNet5, (1, 32, 32), 64), "resnet20_cifar": (lambda: cifar_resnet(3, 3), (3, 32, 32), 128),
         "resnet20_28x28x1": (lambda: cifar_resnet(3, 1), (1, 28, 28), 128), "resnet8_width8_28x28x1": (lambda: cifar_resnet(1, 1, 8), (1, 28, 28), 64),
         "mobilenetv2_small": (mobilenetv2_small, (3, 32, 32), 128), "cells_small": (cells_small, (1, 28, 28), 64),
         "resnet18": (lambda: torchvision.models.resnet18(weights=None), (3, 224, 224), 16),
         "efficientnet_b0": (lambda: torchvision.models.efficientnet_b0(weights=None), (3, 224, 224), 16)}


def train_step(make, shape, batch, peer, layout):
    torch.manual_seed(0)
    torch._dynamo.reset()
    model, x, y = make().train(), torch.randn((batch,) + shape), torch.randint(0, 10, (batch,))
    if layout == "channels_last":
        model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9)
    run = torch.compile(model) if peer == "compile" else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(run(x), y).backward()
        optimizer.step()
    return step


def train():
    for name in a.nets.split(",") if a.nets else TRAIN:
        make, shape, batch = TRAIN[name]
        for threads in map(int, a.threads.split(",")):
            torch.set_num_threads(threads)
            for peer in (a.peers or "torch,compile").split(","):
                if peer not in ("torch", "compile"):
                    parser.error(f"train: expected torch or compile, found {peer}")
                for layout in ("NCHW", "channels_last") if peer == "torch" else ("channels_last",):
                    what = dict(peer=peer, net=name, threads=threads, layout=layout)
                    try:
                        report(clock(train_step(make, shape, batch, peer, layout)), batch, **what)
                    except Exception as e:
                        print(json.dumps(dict(**what, batch=batch, error=str(e)[:200])), flush=True)


infer() if a.what == "infer" else train()
