//! What is true of every world at its end.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use gtm::platform::audit::verify;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::model::Turn;
use super::run::Run;
use super::world::{self, Deed, HORIZON, Minute};

/// A turn as it stands in the table.
pub struct Row {
    pub number: i16,
    pub owner: String,
    pub from: Minute,
    pub end: Option<(String, Minute)>,
}

/// Everything that happened, by account and kind, with the minute and whom it was about.
pub async fn history(run: &Run) -> Vec<(String, Minute, String)> {
    let lines: Vec<(String, DateTime<Utc>, String)> = sqlx::query_as(
        "SELECT account_id, at, concat_ws(' ', kind, doc ->> 'step', doc ->> 'turn', doc ->> 'owner')
         FROM handoff_entry ORDER BY account_id, at, 3",
    )
    .fetch_all(&run.database.pool)
    .await
    .unwrap();
    lines.into_iter().map(|(account, at, what)| (account, run.minute(at), what)).collect()
}

/// What a world has shown: kinds of happenings, somebody who stood in, somebody who was faster than the service.
pub async fn seen(run: &Run) -> BTreeSet<String> {
    let kinds = "SELECT DISTINCT kind FROM handoff_entry
                 UNION SELECT 'cover' FROM handoff_turn WHERE outcome ->> 'coverFor' IS NOT NULL
                 UNION SELECT 'seen late' FROM handoff_entry WHERE kind = 'step' AND at > (doc ->> 'at')::timestamptz";
    let kinds: Vec<String> = sqlx::query_scalar(kinds).fetch_all(&run.database.pool).await.unwrap();
    let faster = run.deeds.values().flatten().any(|done| done.first).then(|| "faster".to_owned());
    kinds.into_iter().chain(faster).collect()
}

/// All that [`seen`] can tell of.
pub const ALL: [&str; 23] = [
    "acknowledged",
    "answered",
    "asked",
    "asked_again",
    "assigned",
    "cancelled",
    "contacted",
    "converted",
    "cover",
    "created",
    "deadline_moved",
    "faster",
    "held",
    "lost",
    "meeting_booked",
    "queue_alarm",
    "queued",
    "rejected",
    "released",
    "rolled_back",
    "seen late",
    "step",
    "turn_ended",
];

/// Compares what happened with what must have.
pub async fn check(run: &Run) {
    let (pool, seed) = (&run.database.pool, run.seed);
    for (number, id) in &run.ids {
        check_turns(run, *number, *id).await;
        check_hold(run, *number, *id).await;
    }
    for (what, query) in NEVER {
        let found: Vec<String> = sqlx::query_scalar(query).fetch_all(pool).await.unwrap();
        assert!(found.is_empty(), "seed {seed}, {what}: {found:#?}");
    }
    check_alarms(run).await;
    check_deliveries(run).await;
    let report = verify::verify(pool, &run.signer, &[], &verify::Scope::default()).await.unwrap();
    assert!(report.intact, "seed {seed}: {report:#?}");
}

/// Every step of every turn at its minute, and every end.
async fn check_turns(run: &Run, number: usize, id: Uuid) {
    let steps = steps(run, id).await;
    let turns = run.turns(id).await;
    for row in &turns {
        let turn = run.turn(number, row, late_before(&turns, row.number));
        let (expected, end) = turn.course(&run.hours, HORIZON);
        let place = format!("seed {}, handoff {number}, turn {}: {turn:?}", run.seed, row.number);
        let happened = steps.get(&row.number).cloned().unwrap_or_default();
        let happened: Vec<(&str, Minute)> = happened.iter().map(|(step, at)| (step.as_str(), *at)).collect();
        assert_eq!(happened, expected, "{place}");
        assert_eq!(row.end.as_ref().map(|(reason, at)| (reason.as_str(), *at)), end, "{place}");
    }
    // What was reported late counts by when it was, as far as the turn goes.
    let contacted = "SELECT contacted_at FROM handoff WHERE id = $1";
    let contacted: Option<DateTime<Utc>> =
        sqlx::query_scalar(contacted).bind(id).fetch_one(&run.database.pool).await.unwrap();
    let last = turns.last().and_then(|row| Some((row.from, run.deeds.get(&(number, row.number))?)));
    let reported = last.and_then(|(from, deeds)| {
        deeds.iter().find_map(|done| match done.deed {
            Deed::ContactReported(before) => Some((done.at - before).max(from)),
            _ => None,
        })
    });
    if let Some(reported) = reported {
        assert_eq!(contacted.map(|at| run.minute(at)), Some(reported), "seed {}, handoff {number}", run.seed);
    }
}

/// What somebody had to be known for waited, and went on in the minute in which it was.
async fn check_hold(run: &Run, number: usize, id: Uuid) {
    let at = |kind: &'static str| async move {
        let first = "SELECT min(at) FROM handoff_entry WHERE handoff_id = $1 AND kind = $2";
        let first: Option<DateTime<Utc>> =
            sqlx::query_scalar(first).bind(id).bind(kind).fetch_one(&run.database.pool).await.unwrap();
        first.map(|at| run.minute(at))
    };
    let (created, held, released, assigned) =
        (at("created").await.unwrap(), at("held").await, at("released").await, at("assigned").await);
    let informed = run.informed.get(&number).copied();
    let place = format!("seed {}, handoff {number}", run.seed);
    assert_eq!(held.is_some(), informed.is_none_or(|informed| informed > created), "{place}");
    if held.is_some() {
        assert_eq!(released, informed, "{place}");
    }
    if let Some(assigned) = assigned {
        assert!(informed.is_some_and(|informed| informed <= assigned), "{place}");
    }
}

/// An alarm comes an hour after the wait began, and whoever waits longer has one.
async fn check_alarms(run: &Run) {
    let alarms: Vec<(DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "SELECT at, (doc ->> 'since')::timestamptz FROM handoff_entry WHERE kind = 'queue_alarm'",
    )
    .fetch_all(&run.database.pool)
    .await
    .unwrap();
    for (at, since) in alarms {
        assert_eq!(run.minute(at), run.hours.served(run.minute(since) + 60), "seed {}", run.seed);
    }
}

/// What was delivered arrived, and nothing else did; reports list what was delivered, and nothing else.
async fn check_deliveries(run: &Run) {
    let rows: Vec<(Uuid, Option<Uuid>, String, String)> =
        sqlx::query_as("SELECT id, handoff_id, destination, status FROM delivery")
            .fetch_all(&run.database.pool)
            .await
            .unwrap();
    let came = run.receiver.came();
    let (mut dead, mut briefed): (usize, BTreeMap<Uuid, bool>) = (0, BTreeMap::new());
    for (id, handoff, destination, status) in &rows {
        let place = format!("seed {}, delivery {id} to {destination}", run.seed);
        assert!(["delivered", "dead"].contains(&status.as_str()), "{place} is {status}");
        assert_eq!(status == "delivered", came.contains_key(id), "{place} is {status}");
        dead += usize::from(status == "dead");
        if let (Some(handoff), "email/briefing") = (handoff, destination.as_str()) {
            *briefed.entry(*handoff).or_default() |= status == "delivered";
        }
    }
    assert!(dead > 0 && came.len() > rows.len() / 2, "some never arrive, most do");
    for (handoff, arrived) in briefed {
        let found = run.handoffs().find(handoff).await.unwrap();
        let report = run.handoffs().report(&found, false).await.unwrap();
        assert_eq!(report.contains("Briefing e-mail sent"), arrived, "seed {}: {report}", run.seed);
    }
}

impl Run {
    /// The turns of a handoff, in order.
    pub async fn turns(&self, id: Uuid) -> Vec<Row> {
        type Columns = (i16, String, DateTime<Utc>, Option<String>, Option<DateTime<Utc>>);
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT number, owner_id, assigned_at, end_reason, ended_at FROM handoff_turn WHERE handoff_id = $1 ORDER BY number",
        )
        .bind(id)
        .fetch_all(&self.database.pool)
        .await
        .unwrap();
        rows.into_iter()
            .map(|(number, owner, from, reason, at)| Row {
                number,
                owner,
                from: self.minute(from),
                end: reason.zip(at).map(|(reason, at)| (reason, self.minute(at))),
            })
            .collect()
    }

    /// A turn as the model knows it.
    pub fn turn(&self, number: usize, row: &Row, late_before: u8) -> Turn {
        Turn {
            owner: row.owner.clone(),
            from: row.from,
            business: world::lead(self.seed, number).office,
            deeds: self.deeds.get(&(number, row.number)).cloned().unwrap_or_default(),
            late_before,
        }
    }
}

/// The steps of a handoff by turn, in the order in which they were taken; each was noted in its minute, or when the service
/// was back.
async fn steps(run: &Run, id: Uuid) -> BTreeMap<i16, Vec<(String, Minute)>> {
    let rows: Vec<(DateTime<Utc>, Value)> =
        sqlx::query_as("SELECT at, doc FROM handoff_entry WHERE handoff_id = $1 AND kind = 'step'")
            .bind(id)
            .fetch_all(&run.database.pool)
            .await
            .unwrap();
    let mut steps: BTreeMap<i16, Vec<(String, Minute)>> = BTreeMap::new();
    for (noted, doc) in rows {
        let at: DateTime<Utc> = doc["at"].as_str().unwrap().parse().unwrap();
        assert_eq!(run.minute(noted), run.hours.served(run.minute(at)), "noted when it fell due: {doc}");
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
           WHEN 'asked' THEN 1 WHEN 'answered' THEN 1
           WHEN 'cancelled' THEN CASE WHEN was_had THEN 2 ELSE 0 END
           WHEN 'rolled_back' THEN CASE WHEN was_had THEN 2 ELSE 0 END
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
        "no alarm for a wait that was longer than an hour",
        "SELECT id::text FROM handoff WHERE status = 'pending' AND alarmed_at IS NULL
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

/// How often in a row time had run out before a turn.
pub fn late_before(turns: &[Row], number: i16) -> u8 {
    let before = turns.iter().rev().filter(|row| row.number < number);
    let late = before.take_while(|row| row.end.as_ref().is_some_and(|end| end.0 == "late"));
    u8::try_from(late.count()).unwrap()
}
