#!/usr/bin/env python3
"""Times one network in other programs and in `lineage bench`, in short turns. Called by bench_peers.sh.

A core of a shared machine runs at one of two rates, for a tenth of a second to several seconds, by what its sibling does for
somebody else. Programs that are timed one after the other are therefore seldom timed alike. Here the clock of the script PEERS
is replaced: each peer is timed for --seconds at a time, TURNS times, and as many turns of LINEAGE come in between. Of each
program the turn with the lowest median counts, since what disturbs a turn only adds to it.

Usage: PEERS=peers.py LINEAGE=build/lineage [TURNS=6] peer_turns.py infer|train --nets NET --threads T --batch B --seconds S [...]
Prints the rows of PEERS and one more, of the peer "netlineage".
"""
import ast, json, os, statistics, subprocess, sys, time

def body_and_call(path):
    """The script without its last statement, which runs it, and that statement."""
    tree = ast.parse(open(path).read(), path)
    call = ast.Module([tree.body.pop()], [])
    return compile(tree, path, "exec"), compile(call, path, "exec")

class Turns:
    def __init__(self, script):
        a = script["a"]
        self.what, self.net, self.seconds, self.threads = a.what, a.nets, a.seconds, int(a.threads)
        self.size = script.get("SIZES", {}).get(a.nets) if a.what == "infer" else None
        self.batch = int(a.batch) if a.what == "infer" else script["TRAIN"][a.nets][2]
        peers = a.peers or ("ort,openvino,torch,mnn,ncnn" if a.what == "infer" else "torch,compile")
        self.peers = sum(2 if a.what == "train" and p == "torch" else 1 for p in peers.split(","))  # two layouts
        self.wanted, self.done, self.ours = int(os.environ.get("TURNS", "6")), 0, []

    def clock(self, step, seconds=None, least=3):
        step()
        begin = time.perf_counter(); step(); long = time.perf_counter() - begin
        wanted = self.wanted if long < 1 else min(self.wanted, 3 if long < 3 else 2)
        turns = []
        for _ in range(wanted):
            turns.append(self.turn(step, warm=long < 1))
            self.done += 1
            if len(self.ours) < wanted and len(self.ours) * self.peers < self.done: self.our_turn()
        return min(turns, key=statistics.median)

    def turn(self, step, warm):
        if warm: step()  # our turn has emptied the caches
        times, begin = [], time.perf_counter()
        while not times or time.perf_counter() - begin < self.seconds:
            t = time.perf_counter(); step(); times.append((time.perf_counter() - t) * 1e3)
        return times

    def our_turn(self):
        command = [os.environ["LINEAGE"], "bench", self.net, "--mode", self.what, "--batch", str(self.batch),
                   "--threads", str(self.threads), "--seconds", str(self.seconds), "--json"]
        if self.size: command += ["--input", f"3,{self.size},{self.size}"]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode: sys.exit(f"{' '.join(command)}: {run.stderr.strip()}")
        self.ours.append(json.loads(run.stdout)[0])

    def our_row(self):
        best = min(self.ours, key=lambda r: r["ms_median"])
        return dict(peer="netlineage", net=self.net, threads=self.threads, batch=self.batch, ms=best["ms_median"],
                    min_ms=best["ms_min"], p90_ms=best["ms_p90"], images_per_s=best["images_per_s"], reps=best["reps"])

path = os.environ["PEERS"]
body, call = body_and_call(path)
script = {"__name__": "peers", "__file__": path}
exec(body, script)
turns = Turns(script)
script["clock"] = turns.clock
exec(call, script)
if turns.ours: print(json.dumps(turns.our_row()), flush=True)
