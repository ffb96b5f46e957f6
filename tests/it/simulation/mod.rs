//! Simulated worlds: months of handoffs in seconds, with crashes between any two steps.
//!
//! [`world`] makes a world from a seed: reps with hours and absences, arrivals, people who react or do not. [`run`] lives
//! through it on a manual clock against a real database. [`model`] works out from what people did which steps, alerts and
//! reassignments must have happened at which minute. Whatever crashed on the way, both must agree.
//!
//! `SIMULATION_SEEDS=200 cargo test --test it simulation` tries more worlds, `SIMULATION_SEED=17` one of them again.

mod model;
pub mod run;
mod world;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use gtm::platform::audit::verify;
use serde_json::Value;
use sqlx::PgPool;

use model::{Away, Turn};
use run::Run;
use world::{HORIZON, Minute};

/// Worlds of a usual test run, and handoffs in each.
const SEEDS: u64 = 2;
const HANDOFFS: usize = 16;

/// A turn as it stands in the table.
struct Row {
    number: i16,
    owner: String,
    from: Minute,
    end: Option<(&'static str, Minute)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_crashes_each_step_happens_once_and_at_its_minute() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SEEDS").unwrap_or(SEEDS),
    };
    let first = seeds.start;
    for seed in seeds {
        let mut rough = Run::found(seed, HANDOFFS, true).await;
        rough.live().await;
        assert!(rough.crashes > 0);
        let held = "SELECT count(DISTINCT state) FROM held_alert WHERE state <> 'held'";
        let kinds: i64 = sqlx::query_scalar(held).fetch_one(&rough.database.pool).await.unwrap();
        assert_eq!(kinds, 2, "some alerts were told in digests and some were not worth it any more");
        check(&rough, seed).await;
        if seed == first {
            let mut calm = Run::found(seed, HANDOFFS, false).await;
            calm.live().await;
            let (rough, calm) = (history(&rough).await, history(&calm).await);
            assert!(calm.len() > 5 * HANDOFFS);
            assert_eq!(rough, calm, "the same world of seed {seed} with crashes and without");
        }
    }
}

/// Everything that happened, by account and kind, with the minute and whom it was about.
async fn history(run: &Run) -> Vec<(String, Minute, String)> {
    let lines: Vec<(String, DateTime<Utc>, String)> = sqlx::query_as(
        "SELECT account_id, at, concat_ws(' ', kind, doc ->> 'step', doc ->> 'turn', doc ->> 'owner')
         FROM handoff_entry ORDER BY account_id, at, 3",
    )
    .fetch_all(&run.database.pool)
    .await
    .unwrap();
    lines.into_iter().map(|(account, at, what)| (account, run.minute(at), what)).collect()
}

async fn check(run: &Run, seed: u64) {
    let pool = &run.database.pool;
    let away: Vec<Away> = run.away.iter().map(|(_, away)| away.clone()).collect();
    for (number, id) in &run.ids {
        let business = world::handoff_type(seed, *number) == "office";
        let steps = steps(run, *id).await;
        let mut late_before = 0;
        for row in turns(run, *id).await {
            let turn = Turn {
                owner: row.owner,
                from: row.from,
                business,
                deeds: run.deeds.get(&(*number, row.number)).cloned().unwrap_or_default(),
                late_before,
            };
            let (expected, end) = turn.course(&away, HORIZON);
            let place = format!("seed {seed}, handoff {number}, turn {}: {turn:?}", row.number);
            let happened = steps.get(&row.number).cloned().unwrap_or_default();
            let happened: Vec<(&str, Minute)> =
                happened.iter().map(|(step, at)| (step.as_str(), *at)).collect();
            assert_eq!(happened, expected, "{place}");
            assert_eq!(row.end, end, "{place}");
            late_before = if end.is_some_and(|end| end.0 == "late") { late_before + 1 } else { 0 };
        }
    }
    for (what, query) in NEVER {
        let found: Vec<String> = sqlx::query_scalar(query).fetch_all(pool).await.unwrap();
        assert!(found.is_empty(), "seed {seed}, {what}: {found:#?}");
    }
    let report = verify::verify(pool, &run.signer, &[], &verify::Scope::default()).await.unwrap();
    assert!(report.intact, "seed {seed}: {report:#?}");
}

async fn turns(run: &Run, id: uuid::Uuid) -> Vec<Row> {
    type Columns = (i16, String, DateTime<Utc>, Option<String>, Option<DateTime<Utc>>);
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT number, owner_id, assigned_at, end_reason, ended_at FROM handoff_turn WHERE handoff_id = $1 ORDER BY number",
    )
    .bind(id)
    .fetch_all(&run.database.pool)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(number, owner, from, reason, at)| Row {
            number,
            owner,
            from: run.minute(from),
            end: reason.zip(at).map(|(reason, at)| (run::ended(&reason), run.minute(at))),
        })
        .collect()
}

/// The steps of a handoff by turn, in the order in which they were taken; each was noted in its minute.
async fn steps(run: &Run, id: uuid::Uuid) -> BTreeMap<i16, Vec<(String, Minute)>> {
    let rows: Vec<(DateTime<Utc>, Value)> =
        sqlx::query_as("SELECT at, doc FROM handoff_entry WHERE handoff_id = $1 AND kind = 'step'")
            .bind(id)
            .fetch_all(&run.database.pool)
            .await
            .unwrap();
    let mut steps: BTreeMap<i16, Vec<(String, Minute)>> = BTreeMap::new();
    for (noted, doc) in rows {
        let at: DateTime<Utc> = doc["at"].as_str().unwrap().parse().unwrap();
        assert_eq!(noted, at, "noted when it fell due");
        let turn = i16::try_from(doc["turn"].as_i64().unwrap()).unwrap();
        let step = doc["step"].as_str().unwrap().to_owned();
        steps.entry(turn).or_default().push((step, run.minute(at)));
    }
    for taken in steps.values_mut() {
        taken.sort_by_key(|step| step.1);
    }
    steps
}

/// What never is, as queries over the whole world.
const NEVER: [(&str, &str); 10] = [
    ("jobs that were given up", "SELECT key || ': ' || error FROM job_dead"),
    (
        "something happened to what was over",
        "SELECT e.handoff_id || ' ' || e.kind FROM handoff_entry e JOIN handoff h ON h.account_id = e.account_id AND h.id = e.handoff_id
         WHERE e.at > h.closed_at",
    ),
    (
        "turns out of their order, overlapping, or with a gap in their numbers",
        "SELECT handoff_id || ' ' || number FROM (
           SELECT *, lag(ended_at) OVER w AS last_end, row_number() OVER w AS place, lag(owner_id) OVER w AS last_owner
           FROM handoff_turn WINDOW w AS (PARTITION BY handoff_id ORDER BY number)) AS t
         WHERE number <> place OR assigned_at < last_end OR (number > 1 AND last_end IS NULL) OR owner_id = last_owner",
    ),
    (
        "a live turn that is not the owner's, or none",
        "SELECT h.id || ' ' || h.status FROM handoff h LEFT JOIN handoff_turn t
           ON t.account_id = h.account_id AND t.handoff_id = h.id AND t.ended_at IS NULL
         WHERE t.owner_id IS DISTINCT FROM
           CASE WHEN h.status IN ('assigned', 'acknowledged', 'contacted', 'meeting_booked') THEN h.owner_id END",
    ),
    (
        "an entry with commands too many or too few",
        "SELECT e.kind || ' ' || e.doc FROM handoff_entry e,
           LATERAL (SELECT count(*) AS n FROM (
                      SELECT destination FROM delivery d WHERE d.account_id = e.account_id AND d.entry_id = e.id
                      UNION SELECT 'messaging/alert' FROM held_alert a WHERE a.account_id = e.account_id AND a.entry_id = e.id
                    ) AS told) AS d,
           LATERAL (SELECT status NOT IN ('converted', 'lost', 'rejected', 'cancelled', 'rolled_back')
                      OR e.at < closed_at AS goes_on, assigned_at IS NOT NULL AS was_had
                    FROM handoff h WHERE h.account_id = e.account_id AND h.id = e.handoff_id) AS h
         WHERE d.n <> CASE e.kind
           WHEN 'assigned' THEN 3
           WHEN 'step' THEN CASE WHEN e.doc ->> 'step' IN ('breach', 'reassign') THEN 0 ELSE 1 END
           WHEN 'turn_ended' THEN CASE WHEN goes_on THEN 1 ELSE 0 END
           WHEN 'cancelled' THEN CASE WHEN was_had THEN 2 ELSE 0 END
           WHEN 'queue_alarm' THEN 1 WHEN 'deadline_moved' THEN d.n ELSE 0 END",
    ),
    (
        "more alerts that are not urgent than the budget allows",
        "WITH sent AS (
           SELECT p ->> 'repId' AS rep, (d.payload ->> 'timestamp')::timestamptz AS at, d.payload #>> '{data,priority}' AS priority
           FROM delivery d, json_array_elements(d.payload #> '{data,to}') AS p WHERE d.destination = 'messaging/alert')
         SELECT a.rep || ' at ' || a.at FROM sent a JOIN sent b
           ON b.rep = a.rep AND b.at > a.at AND b.at < a.at + interval '8 hours'
         WHERE a.priority <> 'urgent' AND b.priority <> 'urgent'",
    ),
    (
        "a held alert in no digest, in a digest that does not tell it, or dropped without a reason",
        "SELECT a.id || ' ' || a.state FROM held_alert a
           LEFT JOIN delivery d ON d.digest_id = a.digest_id AND d.payload::text LIKE '%' || a.id || '%'
         WHERE (a.state = 'digested') <> (d.id IS NOT NULL)
           -- Within a long weekend somebody works.
           OR a.state = 'held' AND a.held_at < (SELECT max(at) FROM handoff_entry) - interval '4 days'",
    ),
    (
        "a digest that tells of something twice, of what somebody else was told, or of nothing",
        "SELECT d.id::text FROM delivery d,
           LATERAL (SELECT count(*) AS n, count(DISTINCT a ->> 'alertId') AS one
                    FROM json_array_elements(d.payload #> '{data,alerts}') AS a) AS told,
           LATERAL (SELECT count(*) AS n FROM held_alert h
                    WHERE h.digest_id = d.digest_id AND h.rep_id = d.payload #>> '{data,to,0,repId}') AS held
         WHERE d.destination = 'messaging/digest' AND NOT (told.n > 0 AND told.n = told.one AND told.n = held.n)",
    ),
    (
        "an alarm that is not an hour after the wait began, or none for a wait that was longer",
        "SELECT handoff_id::text FROM handoff_entry
         WHERE kind = 'queue_alarm' AND at <> (doc ->> 'since')::timestamptz + interval '1 hour'
         UNION ALL
         SELECT id::text FROM handoff h, service_mode s WHERE status = 'pending' AND alarmed_at IS NULL
           AND waiting_since < (SELECT max(at) FROM handoff_entry) - interval '1 hour'",
    ),
    (
        "entries without their line in the audit log, or lines without an entry",
        "SELECT coalesce(e.handoff_id::text, a.subject) FROM
           (SELECT handoff_id, kind, count(*) AS n FROM handoff_entry GROUP BY 1, 2) AS e
           FULL JOIN (SELECT subject, action, count(*) AS n FROM audit_entry WHERE action LIKE 'handoff.%' GROUP BY 1, 2) AS a
             ON a.subject = 'handoff:' || e.handoff_id AND a.action = 'handoff.' || e.kind
         WHERE e.n IS DISTINCT FROM a.n",
    ),
];

/// Kept beside [`NEVER`] so that a query that cannot be asked fails by its name and not in the middle of a world.
#[tokio::test]
async fn every_query_about_a_world_can_be_asked() {
    let database = gtm::testing::database().await;
    let pool: &PgPool = &database.pool;
    for (what, query) in NEVER {
        let found = sqlx::query_scalar::<_, String>(query).fetch_all(pool).await;
        assert!(found.as_ref().is_ok_and(Vec::is_empty), "{what}: {found:?}");
    }
}
