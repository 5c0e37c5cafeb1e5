-- The one store: experiments' records and memberships, searches and their trials. Embedded into the program by schema.c.

CREATE TABLE store (numerics_version INTEGER NOT NULL);

-- Facts of the machine and the build; no result but a time depends on them.
CREATE TABLE machines (id INTEGER PRIMARY KEY, cpu TEXT NOT NULL, cores INTEGER NOT NULL, threads INTEGER NOT NULL, isa TEXT NOT NULL,
  commit_id TEXT NOT NULL, compiler TEXT NOT NULL, flags TEXT NOT NULL, UNIQUE (cpu, cores, threads, isa, commit_id, compiler, flags));

-- key: SHA-256 of the spec, which is the canonical JSON of all that the result's bits depend on. A record never changes.
-- status: done, diverged, failed or rejected. digest: of the trained weights, or of a search's history; '' where there is none.
-- detail: JSON of what is no single number, e.g. the losses of each epoch or the trials of a search.
CREATE TABLE records (key TEXT PRIMARY KEY, measure TEXT NOT NULL, spec TEXT NOT NULL, numerics INTEGER NOT NULL, status TEXT NOT NULL,
  digest TEXT NOT NULL, message TEXT NOT NULL, detail TEXT NOT NULL, seconds REAL NOT NULL, machine INTEGER NOT NULL REFERENCES machines(id),
  created TEXT NOT NULL);
CREATE TABLE metrics (key TEXT NOT NULL REFERENCES records(key), name TEXT NOT NULL, unit TEXT NOT NULL, value REAL NOT NULL,
  PRIMARY KEY (key, name)) WITHOUT ROWID;

-- Which records belong to an experiment's stage in a profile. arm: the name that people see. factors: JSON of the values that the stage
-- crossed, e.g. {"network":"resnet8_small","seed":1}. final: the stage may open test splits.
CREATE TABLE members (profile TEXT NOT NULL, experiment TEXT NOT NULL, stage TEXT NOT NULL, position INTEGER NOT NULL, arm TEXT NOT NULL,
  factors TEXT NOT NULL, final INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (profile, experiment, stage, position)) WITHOUT ROWID;
CREATE INDEX members_by_key ON members (key);
-- Experiments of which all stages are there, in a profile. digest: of the stages and the profile's values as they were then.
CREATE TABLE plans (profile TEXT NOT NULL, experiment TEXT NOT NULL, digest TEXT NOT NULL,
  PRIMARY KEY (profile, experiment)) WITHOUT ROWID;

-- Searches. A run is an identity and how far it is meant to go.
CREATE TABLE runs (id INTEGER PRIMARY KEY, space TEXT NOT NULL, strategy TEXT NOT NULL, strategy_options TEXT NOT NULL,
  evaluator TEXT NOT NULL, evaluator_config TEXT NOT NULL, objective TEXT NOT NULL, batch INTEGER NOT NULL, seed TEXT NOT NULL,
  numerics_version INTEGER NOT NULL, budget INTEGER NOT NULL, created TEXT NOT NULL,
  UNIQUE (space, strategy, strategy_options, evaluator, evaluator_config, objective, batch, seed, numerics_version));
-- One process that worked on a run: facts of the machine, which no result depends on.
CREATE TABLE sessions (id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id), commit_id TEXT NOT NULL,
  compiler TEXT NOT NULL, flags TEXT NOT NULL, cpu TEXT NOT NULL, cores INTEGER NOT NULL, threads INTEGER NOT NULL, isa TEXT NOT NULL,
  started TEXT NOT NULL);
CREATE TABLE trials (run INTEGER NOT NULL REFERENCES runs(id), number INTEGER NOT NULL, genotype TEXT NOT NULL,
  code TEXT NOT NULL, hash TEXT NOT NULL, is_repeat INTEGER NOT NULL, seed INTEGER NOT NULL, budget REAL NOT NULL,
  status TEXT NOT NULL, score REAL NOT NULL, params INTEGER NOT NULL, macs INTEGER NOT NULL, latency_ms REAL NOT NULL,
  cost REAL NOT NULL, reward REAL NOT NULL, budget_epochs INTEGER NOT NULL, digest TEXT NOT NULL, message TEXT NOT NULL,
  -- apart from results: where and when
  session INTEGER NOT NULL REFERENCES sessions(id), overhead_seconds REAL NOT NULL, evaluation_seconds REAL NOT NULL,
  simulated_cost REAL NOT NULL, created TEXT NOT NULL, PRIMARY KEY (run, number)) WITHOUT ROWID;

-- One row for each metric of each member; a record without metrics has one row with metric NULL.
CREATE VIEW results AS
  SELECT profile, experiment, stage, position, arm, factors, final, json_extract(spec, '$.seed') AS seed,
    json_extract(spec, '$.recipe.lr') AS rate, measure, status, digest, message, records.key AS key, name AS metric, unit, value, seconds
  FROM members JOIN records USING (key) LEFT JOIN metrics USING (key);

-- The trials of searches that belong to an experiment, from the records themselves. arm: the strategy's name or label. best: the best
-- score so far; trial counts from 1.
CREATE VIEW lab_trials AS
  SELECT profile, experiment, stage, position, arm, factors, json_extract(spec, '$.strategy') AS strategy,
    json_extract(spec, '$.space') AS space, json_extract(spec, '$.seed') AS seed, records.key AS key, t.key + 1 AS trial,
    json_extract(t.value, '$.genotype') AS genotype, json_extract(t.value, '$.status') AS status,
    coalesce(json_extract(t.value, '$.repeat'), 0) AS is_repeat, json_extract(t.value, '$.score') AS score,
    json_extract(t.value, '$.reward') AS reward, json_extract(t.value, '$.cost') AS cost, json_extract(t.value, '$.params') AS params,
    json_extract(t.value, '$.macs') AS macs, json_extract(t.value, '$.latency_ms') AS latency_ms,
    json_extract(t.value, '$.epochs') AS epochs
  FROM members JOIN records USING (key), json_each(records.detail, '$.history') AS t WHERE measure = 'search';
