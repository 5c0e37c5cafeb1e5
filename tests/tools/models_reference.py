#!/usr/bin/env python3
"""Copy the reference figures of networks into tests/reference/models.json: models_reference.py FOLDER > tests/reference/models.json

FOLDER holds models.json and trace/<id>.json. One line per network; `state` is the SHA-256 over the lines "name d0,d1,...\\n" of all
state tensors in order, where the trace is there."""
import hashlib, json, os, sys

folder = sys.argv[1]
lines = []
for name, row in json.load(open(os.path.join(folder, "models.json"))).items():
    row.pop("id")
    trace = os.path.join(folder, "trace", name + ".json")
    if os.path.exists(trace):
        text = "".join(f"{tensor} {','.join(map(str, shape))}\n" for tensor, shape in json.load(open(trace))["state"])
        row["state"] = hashlib.sha256(text.encode()).hexdigest()
    lines.append(f"{json.dumps(name)}: {json.dumps(row, separators=(',', ':'))}")
print("{\n" + ",\n".join(lines) + "\n}")
