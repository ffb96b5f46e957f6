//! Figures against sets of handoffs that were added up by hand, and against themselves.

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::*;
use crate::handoffs::handoff::Status;
use crate::handoffs::metrics::GroupBy;
use crate::testing;

/// Monday, the 11th of January 2027, 00:00 UTC.
fn monday() -> DateTime {
    DateTime::from_timestamp(1_799_625_600, 0).unwrap()
}

fn after(seconds: i64) -> DateTime {
    monday() + TimeDelta::seconds(seconds)
}

/// The present of the tests: Wednesday at noon.
const NOW: i64 = 2 * 86_400 + 43_200;

/// The week from Monday on.
fn week() -> Period {
    Period { from: monday(), to: after(7 * 86_400) }
}

/// A row with what every handoff has; `more` goes over it.
fn handoff(number: u32, status: &str, created: i64, more: Value) -> Value {
    let owned = !["held", "pending"].contains(&status);
    let over = ["converted", "lost", "rejected", "cancelled", "rolled_back"].contains(&status);
    let contacted = ["contacted", "meeting_booked", "converted"].contains(&status);
    let mut row = json!({
        "account_id": "a", "id": uuid::Uuid::from_u128(number.into()), "type": "mql_to_sales", "status": status,
        "from_team": "marketing", "to_team": "sales", "deal_id": number.to_string(), "cause": number.to_string(),
        "requested_by": "t", "segment": "smb", "urgency": "high", "package": {}, "package_digest": "\\x",
        "completeness": 100, "missing": [], "request": {}, "reassignments": 0, "fell_back": false, "version": 1,
        "waiting_since": after(created), "created_at": after(created),
        "held_for": (status == "held").then(|| json!([])),
        "clock": json!({"terms": {"acknowledgeWithin": "30m"}}),
    });
    if owned {
        row["owner_id"] = json!("ada");
        row["assigned_at"] = json!(after(created));
    }
    if contacted || status == "acknowledged" {
        row["acknowledged_at"] = json!(after(created));
    }
    if contacted {
        row["contacted_at"] = json!(after(created));
    }
    if status == "meeting_booked" {
        row["meeting_at"] = json!(after(created));
    }
    if over {
        row["closed_at"] = json!(after(created));
    }
    let Value::Object(more) = more else { unreachable!("fields have names") };
    for (name, value) in more {
        row[name] = value;
    }
    row
}

/// A turn that did nothing to a rotation.
fn turn(handoff: u32, number: u32, owner: &str, assigned: i64, end: Option<&str>) -> Value {
    json!({
        "account_id": "a", "handoff_id": uuid::Uuid::from_u128(handoff.into()), "number": number, "owner_id": owner,
        "outcome": {"outcome": "assigned", "route": {"kind": "chosen"}, "rotation": null}, "assigned_at": after(assigned),
        "ended_at": end.map(|_| after(assigned)), "end_reason": end, "credited": end == Some("rejected"),
    })
}

async fn write(pool: &PgPool, handoffs: &[Value], turns: &[Value]) {
    let account = "INSERT INTO account (account_id, state, version, created_at, changed_at)
                   VALUES ('a', '{}', 1, now(), now()) ON CONFLICT DO NOTHING";
    sqlx::raw_sql(account).execute(pool).await.unwrap();
    for (table, rows) in [("handoff", handoffs), ("handoff_turn", turns)] {
        let sql =
            format!("INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $1::json)");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(sqlx::types::Json(rows)).execute(pool).await.unwrap();
    }
}

async fn total(pool: &PgPool, period: &Period) -> TallyRow {
    let mut rows = handoff_tallies(pool, period, None, after(NOW)).await.unwrap();
    rows.retain(|row| row.total);
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn contact_sla(row: &TallyRow) -> [i64; 4] {
    [row.met, row.breached, row.open, row.ended_before]
}

fn acknowledgement(row: &TallyRow) -> [i64; 4] {
    [row.acknowledge_met, row.acknowledge_breached, row.acknowledge_open, row.acknowledge_ended_before]
}

/// Ten handoffs: two that converted, and one of nearly everything else.
async fn ten(pool: &PgPool) {
    let hour = 3_600;
    let handoffs = [
        // Contact in the very moment of the deadline is in time.
        handoff(
            1,
            "converted",
            0,
            json!({"assigned_at": after(60), "due_at": after(hour), "contacted_at": after(hour),
            "meeting_at": after(2 * hour), "nps": 9}),
        ),
        // A second later is not.
        handoff(
            2,
            "lost",
            10,
            json!({"assigned_at": after(20), "due_at": after(hour), "contacted_at": after(hour + 1),
            "breached_at": after(hour), "acknowledged_at": after(30), "nps": 6, "completeness": 80}),
        ),
        // Lost while there was time.
        handoff(
            3,
            "lost",
            0,
            json!({"owner_id": "ben", "due_at": after(hour), "closed_at": after(hour),
            "fell_back": true, "completeness": 90}),
        ),
        // The deadline is now, and the clock has not taken its step yet.
        handoff(4, "assigned", 0, json!({"due_at": after(NOW)})),
        handoff(5, "acknowledged", 0, json!({"due_at": after(NOW + 1)})),
        handoff(6, "held", 0, json!({"clock": null, "completeness": 40})),
        // In time for the second owner and too late for the customer.
        handoff(
            7,
            "contacted",
            0,
            json!({"owner_id": "ben", "assigned_at": after(5 * hour), "due_at": after(6 * hour),
            "contacted_at": after(5 * hour), "breached_at": after(hour), "reassignments": 1}),
        ),
        // Recorded after the deadline, made before.
        handoff(
            8,
            "converted",
            0,
            json!({"due_at": after(hour), "breached_at": after(hour), "contacted_at": after(hour - 10),
            "type": "closed_to_cs", "to_team": "customer_success", "segment": "enterprise"}),
        ),
        // Given back, and nobody has it.
        handoff(9, "pending", 0, json!({})),
        // Of the last second of the week, and without a time for acknowledging.
        handoff(10, "rolled_back", 7 * 86_400 - 1, json!({"clock": {"terms": {}}})),
        handoff(11, "assigned", 7 * 86_400, json!({})),
        handoff(12, "assigned", -1, json!({})),
    ];
    let turns = [
        turn(1, 1, "ada", 60, Some("closed")),
        turn(2, 1, "ada", 20, Some("closed")),
        turn(3, 1, "ben", 0, Some("closed")),
        turn(4, 1, "ada", 0, None),
        turn(5, 1, "ada", 0, None),
        turn(7, 1, "ada", 100, Some("late")),
        turn(7, 2, "ben", 5 * hour, None),
        turn(8, 1, "ada", 40, Some("closed")),
        turn(9, 1, "ada", 0, Some("rejected")),
        turn(10, 1, "ada", 7 * 86_400 - 1, Some("rolled_back")),
    ];
    write(pool, &handoffs, &turns).await;
    let step = "INSERT INTO handoff_entry (account_id, handoff_id, id, at, kind, actor, doc, once)
                SELECT 'a', id, id, created_at, 'step', 't', '{}', 'turn 1: acknowledge_breach'
                FROM handoff WHERE cause IN ('4', '7')";
    sqlx::raw_sql(step).execute(pool).await.unwrap();
}

fn near(found: Option<&Vec<f64>>, expected: [f64; 3]) {
    let found = found.unwrap();
    let close = found.len() == 3 && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(close, "{found:?} is not {expected:?}");
}

#[tokio::test]
async fn ten_handoffs_amount_to_what_they_do_by_hand() {
    let database = testing::database().await;
    ten(&database.pool).await;
    let found = total(&database.pool, &week()).await;
    let statuses: Vec<(&str, i64)> =
        Status::ALL.iter().map(|status| status.name()).zip(found.by_status.iter().copied()).collect();
    let counted: Vec<(&str, i64)> = statuses.into_iter().filter(|(_, count)| *count > 0).collect();
    let expected = [
        ("held", 1),
        ("pending", 1),
        ("assigned", 1),
        ("acknowledged", 1),
        ("contacted", 1),
        ("converted", 2),
        ("lost", 2),
        ("rolled_back", 1),
    ];
    assert_eq!(counted, expected);
    // 1 and 8 · 2, 4 and 7 · 5, 6 and 9 · 3 and 10.
    assert_eq!(contact_sla(&found), [2, 3, 3, 2]);
    // 1, 2, 5 and 8 · 4, and 7 by its first owner · 9 · 3. Nobody had 6, and 10 has no such time.
    assert_eq!(acknowledgement(&found), [4, 2, 1, 1]);
    // 3590 (8), 3591 (2), 3600 (1), 18000 (7): places 1.5, 2.7 and 2.85 of 0 to 3.
    assert_eq!(found.contacted, 4);
    near(found.contact_seconds.as_ref(), [3_595.5, 3_600.0 + 0.7 * 14_400.0, 3_600.0 + 0.85 * 14_400.0]);
    assert_eq!(found.meetings, 1);
    near(found.meeting_seconds.as_ref(), [7_200.0; 3]);
    // By their first owners: 0 (3), 0 (4), 0 (5), 0 (9), 0 (10), 10 (2), 40 (8), 60 (1), 100 (7).
    assert_eq!(found.assigned, 9);
    near(found.assignment_seconds.as_ref(), [0.0, 60.0 + 0.2 * 40.0, 60.0 + 0.6 * 40.0]);
    assert_eq!((found.ratings, found.ratings_sum), (2, 15));
    assert_eq!(found.completeness_sum, 100 * 7 + 80 + 90 + 40);
    assert_eq!((found.reassigned, found.rejected, found.fell_back), (1, 1, 1));
}

#[tokio::test]
async fn groups_have_their_names_and_whom_nobody_has_comes_last() {
    let database = testing::database().await;
    ten(&database.pool).await;
    let wide = Period { from: monday() - TimeDelta::days(7), to: after(8 * 86_400) };
    for (group_by, expected) in [
        ("type", vec![(Some("closed_to_cs"), 1), (Some("mql_to_sales"), 11)]),
        ("team", vec![(Some("customer_success"), 1), (Some("sales"), 11)]),
        ("rep", vec![(Some("ada"), 8), (Some("ben"), 2), (None, 2)]),
        ("segment", vec![(Some("enterprise"), 1), (Some("smb"), 11)]),
        ("week", vec![(Some("2027-01-04"), 1), (Some("2027-01-11"), 10), (Some("2027-01-18"), 1)]),
    ] {
        let rows = handoff_tallies(&database.pool, &wide, Some(group_by), after(NOW)).await.unwrap();
        assert!(rows[0].total && rows[1..].iter().all(|row| !row.total), "the total comes first");
        let seen: Vec<(Option<&str>, i64)> =
            rows[1..].iter().map(|row| (row.key.as_deref(), row.by_status.iter().sum())).collect();
        assert_eq!(seen, expected, "{group_by}");
    }
}

#[tokio::test]
async fn no_handoff_and_a_single_one_have_figures_too() {
    let database = testing::database().await;
    let none = total(&database.pool, &week()).await;
    assert_eq!((none.by_status.iter().sum::<i64>(), none.contacted, none.ratings), (0, 0, 0));
    assert!(none.contact_seconds.is_none() && none.assignment_seconds.is_none());
    write(&database.pool, &[handoff(1, "contacted", 0, json!({"contacted_at": after(90)}))], &[]).await;
    let one = total(&database.pool, &week()).await;
    near(one.contact_seconds.as_ref(), [90.0; 3]);
    // Without a deadline there is none to miss.
    assert_eq!(contact_sla(&one), [1, 0, 0, 0]);
}

/// What is counted, so that groups can be added up.
fn counts(row: &TallyRow) -> Vec<i64> {
    let mut all = row.by_status.clone();
    all.extend(contact_sla(row));
    all.extend(acknowledgement(row));
    all.extend([
        row.contacted,
        row.meetings,
        row.assigned,
        row.ratings,
        row.ratings_sum,
        row.completeness_sum,
    ]);
    all.extend([row.reassigned, row.rejected, row.fell_back]);
    all
}

type Chosen = (usize, i64, Option<i64>, Option<i64>, i64, (u8, u8, u8, u8));

/// A status, and instants and numbers around their bounds.
fn chosen() -> impl Strategy<Value = Chosen> {
    let around = || prop::option::of(-2..3_i64);
    (0..11_usize, -10..NOW * 3, around(), around(), 0..=100_i64, (0..3_u8, 0..3_u8, 0..2_u8, 0..=11_u8))
}

fn made(number: u32, one: &Chosen) -> (Value, Vec<Value>) {
    let (status, created, due, breached, completeness, (rep, team, fell_back, nps)) = *one;
    let mut row = handoff(
        number,
        Status::ALL[status].name(),
        created,
        json!({
            "completeness": completeness, "to_team": format!("t{team}"), "segment": format!("s{rep}"), "type": format!("y{nps}"),
            "fell_back": fell_back == 1, "reassignments": fell_back, "nps": (nps <= 10).then_some(nps),
            "due_at": due.map(|shift| after(created + shift)), "breached_at": breached.map(|shift| after(created + shift)),
        }),
    );
    let mut turns = Vec::new();
    if !row["owner_id"].is_null() {
        row["owner_id"] = json!(format!("r{rep}"));
        turns.push(turn(number, 1, "r0", created, Some(if nps % 2 == 0 { "rejected" } else { "late" })));
    }
    (row, turns)
}

#[test]
fn groups_always_add_up_to_the_total_and_deadlines_to_the_count() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(testing::database());
    let pool = &database.pool;
    let config = Config { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(chosen(), 0..24), |all| {
            let rows = all.iter().zip(1..).map(|(one, number)| made(number, one));
            let (handoffs, turns): (Vec<Value>, Vec<Vec<Value>>) = rows.unzip();
            runtime.block_on(async {
                sqlx::raw_sql("DELETE FROM handoff_turn; DELETE FROM handoff").execute(pool).await.unwrap();
                write(pool, &handoffs, &turns.concat()).await;
                for group_by in GroupBy::ALL {
                    let found =
                        handoff_tallies(pool, &week(), Some(group_by.name()), after(NOW)).await.unwrap();
                    let (total, groups) = found.split_first().unwrap();
                    let mut sums = vec![0; counts(total).len()];
                    for group in groups {
                        sums.iter_mut().zip(counts(group)).for_each(|(sum, count)| *sum += count);
                    }
                    prop_assert_eq!(sums, counts(total), "{:?}", group_by);
                    let count: i64 = total.by_status.iter().sum();
                    prop_assert_eq!(contact_sla(total).iter().sum::<i64>(), count);
                }
                Ok(())
            })
        })
        .unwrap();
}

/// Writes what assignment said of turns.
async fn tell_outcomes(pool: &PgPool, outcomes: &[(u32, Value)]) {
    for (handoff, outcome) in outcomes {
        sqlx::query("UPDATE handoff_turn SET outcome = $2 WHERE handoff_id = $1")
            .bind(uuid::Uuid::from_u128((*handoff).into()))
            .bind(sqlx::types::Json(outcome))
            .execute(pool)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn turns_are_told_by_rotation_with_what_they_moved_and_the_others_by_their_way() {
    let database = testing::database().await;
    let numbers = [1, 2, 3, 4, 5, 6];
    let handoffs = numbers.map(|n| handoff(n, "assigned", 0, json!({})));
    let turns = [
        turn(1, 1, "ada", 0, None),
        turn(2, 1, "ben", 5, None),
        // Taken back.
        turn(3, 1, "ada", 6, Some("rejected")),
        turn(4, 1, "cid", 7, None),
        turn(5, 1, "cid", 8, None),
        // Of the next week.
        turn(6, 1, "ada", 7 * 86_400, None),
    ];
    write(&database.pool, &handoffs, &turns).await;
    let moved = |rep: &str, before: i64, after: i64| json!({"rep": rep, "balanceBefore": before, "balanceAfter": after, "missedBefore": 0, "missedAfter": 0});
    let rotated = |chosen: &str, moves: Value| {
        let turn = json!({"chosen": chosen, "moves": moves});
        let rotation = json!({"team": "sales", "enrolments": [], "turn": turn});
        json!({"outcome": "assigned", "rep": chosen, "route": {"kind": "territory", "id": "dach"}, "rotation": rotation, "tried": []})
    };
    let half = 500_000_000_000;
    let first = rotated("ada", json!([moved("ada", 0, -half), moved("ben", 0, half)]));
    let outcomes = [
        (1, first.clone()),
        // Alone: nothing moves.
        (2, rotated("ben", json!([]))),
        (3, first.clone()),
        (4, json!({"outcome": "fallback", "rep": "cid", "coverFor": null, "tried": []})),
        (6, first),
    ];
    tell_outcomes(&database.pool, &outcomes).await;
    let rows = turns_between(&database.pool, &week()).await.unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.team_id.as_str(), row.rep_id.as_deref(), row.route.as_deref(), row.turns, row.moved))
        .collect();
    let expected = [
        ("sales", Some("ada"), None, 1, -half),
        ("sales", Some("ben"), None, 1, half),
        ("sales", None, Some("chosen"), 1, 0),
        ("sales", None, Some("fallback"), 1, 0),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn what_is_under_way_is_counted_up_to_a_bound() {
    let database = testing::database().await;
    ten(&database.pool).await;
    let rows = |counted_max| {
        let pool = database.pool.clone();
        async move {
            let mut rows = handoff_gauges(&pool, after(NOW), counted_max).await.unwrap();
            rows.sort_by(|a, b| a.status.cmp(&b.status));
            rows
        }
    };
    let seen: Vec<_> =
        rows(100).await.into_iter().map(|row| (row.status, row.count, row.overdue, row.oldest)).collect();
    let expected = [
        ("acknowledged", 1, 0, None),
        ("assigned", 3, 1, None),
        ("contacted", 1, 0, None),
        ("held", 1, 0, None),
        ("pending", 1, 0, Some(monday())),
    ];
    assert_eq!(
        seen,
        expected.map(|(status, count, overdue, oldest)| (status.to_owned(), count, overdue, oldest))
    );
    assert_eq!(
        rows(2).await.iter().map(|row| row.count).sum::<i64>(),
        4,
        "two with an owner, one held, one waiting"
    );
}

#[tokio::test]
async fn no_figure_reads_a_whole_table() {
    let database = testing::database().await;
    let sources = [
        "SELECT status FROM handoff WHERE created_at >= now() AND created_at < now()",
        "SELECT min(owner_id) FROM handoff_turn WHERE NOT credited AND owner_id > 'a'",
        "SELECT outcome FROM handoff_turn WHERE NOT credited AND owner_id = 'a' AND assigned_at >= now()",
        "SELECT status FROM handoff WHERE status IN ('assigned', 'acknowledged', 'contacted', 'meeting_booked') LIMIT 5",
        "SELECT status FROM handoff WHERE status = 'held' LIMIT 5",
    ];
    for source in sources {
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN {source}"));
        let lines: Vec<String> = sqlx::query_scalar(sql).fetch_all(&database.pool).await.unwrap();
        assert!(lines.iter().all(|line| !line.contains("Seq Scan")), "{source}: {lines:#?}");
    }
}
