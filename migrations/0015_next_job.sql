-- When the next job of any kind is due: an idle worker looks at one entry, however many timers there are.
CREATE INDEX job_next ON job (due_at);
