#!/usr/bin/env python3
"""The exactness of every network as a table: zoo_table.py FOLDER [GMACS] > results/reference/zoo.tsv

FOLDER holds models.json (reference parameters, MACs, logits and gradients). Runs build/lineage and build/reference from the project's
root; with GMACS, networks of more 1e9 MACs than that are compared in counts only. Without a row there, a network is compared with the published counts of its own row. `verdict` is
  exact      parameters and MACs equal the reference's
  rounded    the reference is a rounded figure, and ours lies within half a unit of its last digit and the tolerance of the tests
             (1% of the parameters, 4% of the MACs: sources count a little more or less than convolutions and linear layers)
  explained  neither: the last column says why
  unexplained
  own        no reference exists (small forms, variants of ours)
Differences of logits are the largest one over the rms, of gradients the largest one of any norm relative to it."""
import json, os, subprocess, sys

folder, most_macs = sys.argv[1], 1e9 * float(sys.argv[2]) if len(sys.argv) > 2 else float("inf")


def run(command, case=None):
    done = subprocess.run(command, input=None if case is None else json.dumps(case), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def worst(pairs):
    return max((abs(a - b) / max(abs(scale), 1e-12) for a, b, scale in pairs), default=None)


def differences(name, case):
    """Largest differences of logits and gradients, None where there are none to compare."""
    if "logits" not in case or case["macs"] > most_macs:
        return None, None
    modes = [m for m in ("eval", "train") if "gradient_" + m in case]
    ask = dict(id=name, input=case["input"], bn_gain=case["bn_gain"], gradients={m: list(case["gradient_" + m]["grads"]) for m in modes})
    given = run(["build/reference", "model"], ask)
    pairs = [(a, b, case["logits_rms"]) for x, y in zip(case["logits"], given["logits"]) for a, b in zip(x, y)]
    norms = []
    for m in modes:
        a, b = case["gradient_" + m], given["gradient_" + m]
        norms += [(a["grad_norm"], b["grad_norm"], a["grad_norm"])]
        norms += [(v["norm"], b["grads"][n]["norm"], v["norm"]) for n, v in a["grads"].items()]
    return worst(pairs), worst(norms)


def unit(figure):
    u = 1
    while figure % (10 * u) == 0:
        u *= 10
    return u


def fits(ours, reference, slack):
    """exact, rounded or miss; None without a reference."""
    if not reference:
        return None
    if ours == reference:
        return "exact"
    u = unit(reference)
    return "rounded" if u > 1 and abs(ours - reference) <= 0.5 * u + slack * reference else "miss"


cases, by_row = json.load(open(os.path.join(folder, "models.json"))), {}
for name, case in cases.items():
    by_row.setdefault(run(["build/lineage", "show", name, "--json"])["model"], []).append((name, case))

print("\t".join("variant params reference_params params_percent macs reference_macs macs_percent logits gradients verdict source why".split()))
for row in run(["build/lineage", "count", "--all", "--json"]):
    name = row["model"]
    shown = run(["build/lineage", "show", name, "--json"])
    published, references = shown["published"], by_row.get(name, [])
    logits = gradients = None
    params, macs, source = published.get("params"), published.get("macs"), published["source"] or "-"
    for other, case in references:
        assert case["input"] == row["input"], name
        params, macs, source = case["params_without_aux"], case["macs"], "models.json, " + other
        a, b = differences(other, case)
        logits, gradients = max(filter(None, (logits, a)), default=None), max(filter(None, (gradients, b)), default=None)
    kinds = {fits(row["params_without_aux"], params, 0.01), fits(row["macs"], macs, 0.04)} - {None}
    if "rounded" not in kinds and "miss" in kinds and fits(row["params"], params, 0.01) == "exact":
        kinds.discard("miss")
    why = " ".join(shown["deviations"]) if "miss" in kinds else ""
    verdict = "own" if not kinds else "exact" if kinds == {"exact"} else "rounded" if "miss" not in kinds else "explained" if why else "unexplained"
    percent = lambda ours, theirs: f"{100 * (ours - theirs) / theirs:+.2f}" if theirs else "-"
    figures = [row["params_without_aux"], params or "-", percent(row["params_without_aux"], params), row["macs"], macs or "-", percent(row["macs"], macs)]
    print("\t".join(str(v) for v in [name, *figures, *("-" if d is None else f"{d:.1e}" for d in (logits, gradients)), verdict, source, why or "-"]), flush=True)
