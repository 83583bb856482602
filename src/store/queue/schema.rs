//! The tables of the queue's database.

/// One step per released format.
pub(super) const MIGRATIONS: &[&str] = &[FIRST];

const FIRST: &str = "
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    lane TEXT NOT NULL,
    project TEXT NOT NULL,
    event TEXT NOT NULL,
    hook TEXT NOT NULL,
    label TEXT NOT NULL,
    at TEXT NOT NULL,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- What goes into one run together.
    batch TEXT,
    -- When it was taken out of the spool: boot clock, milliseconds.
    taken_ms INTEGER NOT NULL,
    -- Not before this moment of the boot clock, in milliseconds; counts in that boot only.
    due_ms INTEGER NOT NULL,
    boot TEXT NOT NULL,
    -- All starts, and those of them that failed or were cut down.
    starts INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    cuts INTEGER NOT NULL DEFAULT 0,
    -- The same before somebody asked for it again.
    earlier INTEGER NOT NULL DEFAULT 0,
    -- The start in which it takes part: job and number.
    run_job TEXT,
    run_number INTEGER,
    is_cancelled INTEGER NOT NULL DEFAULT 0,
    ended TEXT,
    ended_at TEXT,
    took_ms INTEGER,
    -- The outcome has still to be told.
    is_untold INTEGER NOT NULL DEFAULT 0,
    -- What is to be told: to the model, to the user.
    context TEXT,
    message TEXT,
    environment TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_lane ON jobs (state, lane, priority, seq);
CREATE INDEX jobs_by_due ON jobs (state, due_ms);
CREATE INDEX jobs_by_batch ON jobs (batch, seq) WHERE batch IS NOT NULL;
CREATE INDEX jobs_untold ON jobs (seq) WHERE is_untold = 1;
CREATE TABLE starts (
    lane TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    boot TEXT NOT NULL
) STRICT;
CREATE INDEX starts_by_lane ON starts (lane, at_ms);
";
