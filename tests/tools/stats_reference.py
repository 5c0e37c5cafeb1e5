#!/usr/bin/env python3
"""Writes tests/reference/stats.json: what SciPy and statsmodels give on made-up samples (also ties, zeros, n = 3 to 50).

Usage: stats_reference.py > tests/reference/stats.json, with scipy and statsmodels installed. Samples come from a generator of
its own (splitmix64), so that every version of NumPy draws the same.
"""
import json
import warnings

import numpy as np
import scipy
import statsmodels
from scipy import stats
from scipy.stats._resampling import _bca_interval
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
SIZES = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 20, 25, 33, 34, 50]


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def u64(key, index):
    """nlg_rng_u64: value `index` of a key."""
    return mix((key + (index + 1) * GOLDEN) & MASK)


def below(key, index, n):
    return (u64(key, index) * n) >> 64


def uniform(key, index):
    return (u64(key, index) >> 11) * 2.0**-53


def sample(key, n, kind):
    """kind: plain, tied (few values), zeros (few values and zeros)."""
    x = [sum(uniform(key, 12 * i + k) for k in range(12)) - 6 + 0.4 for i in range(n)]
    if kind == "plain":
        return [round(v, 6) for v in x]
    x = [round(2 * v) / 2 for v in x]
    return [v or 0.5 for v in x] if kind == "tied" else x


def signed_rank(d):
    row = {"d": d}
    sizes = [abs(v) for v in d]
    if len(set(sizes)) == len(sizes) and 0 not in d:
        row["exact"] = float(stats.wilcoxon(d, method="exact").pvalue)
    zero_methods = {}
    for zeros in ["wilcox", "pratt", "zsplit"]:
        r = {}
        for correction in [False, True]:
            found = stats.wilcoxon(d, zero_method=zeros, method="asymptotic", correction=correction)
            r["corrected" if correction else "plain"] = float(found.pvalue)
        r["statistic"] = float(found.statistic)
        if len(d) <= 13:
            every = stats.PermutationMethod(n_resamples=np.inf)
            r["exact"] = float(stats.wilcoxon(d, zero_method=zeros, method=every).pvalue)
        zero_methods[zeros] = r
    row["zeros"] = zero_methods
    return row


def bootstrap(key, d, resamples):
    n = len(d)
    means = np.array([[sum(d[below(key, r * n + i, n)] for i in range(n)) / n for r in range(resamples)]])
    statistic = lambda x, axis: np.mean(x, axis=axis)
    low, high, _ = _bca_interval((np.array([d]),), statistic, -1, 0.025, means, None, np)
    return {
        "key": str(key), "d": d, "resamples": resamples,
        "percentile": [float(np.percentile(means, q)) for q in (2.5, 97.5)],
        "bca": [float(np.percentile(means, 100 * float(q[0]))) for q in (low, high)],
    }


def correlation(x, y):
    tau, rho = stats.kendalltau(x, y), stats.spearmanr(x, y)
    return {"x": x, "y": y, "tau": float(tau.statistic), "tau_p": float(tau.pvalue),
            "rho": float(rho.statistic), "rho_p": float(rho.pvalue)}


def unequal(key, n, m, kind):
    x, y = sample(key, n, kind), sample(key ^ 77, m, kind)
    return {"x": x, "y": y, "a": float(stats.mannwhitneyu(x, y).statistic) / (n * m)}


def dominated_area(points, reference):
    """By definition: slices between all costs, each as high as its best point."""
    costs = sorted({c for c, g in points if c < reference[0]} | {reference[0]})
    area = 0.0
    for low, high in zip(costs, costs[1:]):
        best = max([g for c, g in points if c <= low] + [reference[1]])
        area += (high - low) * (best - reference[1])
    return area


def main():
    warnings.simplefilter("ignore")
    kinds = ["plain", "tied", "zeros"]
    out = {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__}
    out["signed_rank"] = [signed_rank(sample(mix(n), n, k)) for n in SIZES for k in kinds]
    out["bootstrap"] = [bootstrap(mix(n + 100), sample(mix(n), n, k), 500) for n in (3, 6, 10, 25, 50) for k in kinds]
    out["correlation"] = [correlation(sample(mix(n), n, k), sample(mix(n) ^ 99, n, k)) for n in SIZES for k in kinds]
    rising = [float(i) for i in range(50)]
    swapped = [rising[1], rising[0]] + rising[2:]
    out["correlation"] += [correlation(rising, swapped), correlation(rising, rising[::-1])]
    out["mean"] = [{"x": x, "t": [float(v) for v in stats.t.interval(0.95, len(x) - 1, np.mean(x), stats.sem(x))]}
                   for x in (sample(mix(n + 7), n, "plain") for n in SIZES)]
    out["vargha_delaney"] = [unequal(mix(n + 3), n, n + 2, k) for n in (3, 10, 50) for k in kinds]
    out["wilson"] = [{"k": k, "n": n, "interval": [float(v) for v in proportion_confint(k, n, method="wilson")]}
                     for k, n in ((0, 3), (3, 3), (1, 7), (5, 50), (8850, 10000), (9999, 10000))]
    p = [[uniform(mix(n), i) ** 4 for i in range(n)] for n in (1, 3, 8, 24)] + [[0.01, 0.01, 0.04, 0.2, 0.04, 1.0]]
    out["many"] = [{"p": q, "holm": multipletests(q, method="holm")[1].tolist(),
                    "benjamini_hochberg": multipletests(q, method="fdr_bh")[1].tolist()} for q in p]
    out["t"] = [{"t": t, "degrees": n, "p": float(2 * stats.t.sf(t, n))} for t in (0.1, 1.0, 2.5, 12.0) for n in (1, 2, 9, 48, 1000)]
    out["normal"] = [{"z": z, "p": float(2 * stats.norm.sf(z))} for z in (0.0, 0.3, 1.2, 1.7, 1.8, 2.5, 5.0, 12.0, 37.0)]
    out["normal_quantile"] = [{"p": q, "z": float(stats.norm.ppf(q))} for q in (1e-12, 0.001, 0.025, 0.4, 0.5, 0.84, 0.999)]
    fronts = [[[1 + uniform(mix(s), 2 * i), uniform(mix(s), 2 * i + 1)] for i in range(n)] for s, n in ((1, 1), (2, 5), (3, 20))]
    fronts.append([[1.0, 0.5], [1.0, 0.5], [1.0, 0.7], [1.5, 0.7], [3.0, 0.9], [1.2, -0.1]])
    out["hypervolume"] = [{"points": f, "reference": [2.0, 0.1], "area": dominated_area(f, (2.0, 0.1))} for f in fronts]
    print(json.dumps(out, indent=None, separators=(",", ":")).replace('},{', '},\n{').replace('],"', '],\n"'))


main()
