//! The statements of the roster on a real database.

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;
use crate::kernel::clock::DateTime;
use crate::testing;

fn now() -> DateTime {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn entry(kind: &'static str, id: &str, doc: &str) -> NewEntry {
    NewEntry { kind, id: id.to_owned(), doc: doc.to_owned() }
}

#[tokio::test]
async fn one_statement_writes_changes_and_removes_and_counts_the_edit() {
    let database = testing::database().await;
    let mut conn = database.pool.acquire().await.unwrap();
    assert_eq!(roster_entries(&mut conn).await.unwrap().0.version, 0);
    let both = [entry("team", "sales", "{}"), entry("rep", "ada", "{\"a\":1}")];
    assert_eq!(write_entries(&mut conn, &both, &[], "t", now()).await.unwrap(), 1);
    let changed = [entry("rep", "ada", "{\"a\":2}"), entry("rep", "ben", "{}")];
    assert_eq!(write_entries(&mut conn, &changed, &[("team", "sales")], "t", now()).await.unwrap(), 2);
    let (EditRow { version, .. }, rows) = roster_entries(&mut conn).await.unwrap();
    let seen: Vec<_> =
        rows.iter().map(|row| (row.kind.as_str(), row.id.as_str(), row.doc.as_str())).collect();
    assert_eq!((version, seen), (2, vec![("rep", "ada", "{\"a\":2}"), ("rep", "ben", "{}")]));
    let edits: Vec<i64> = sqlx::query_scalar("SELECT version FROM roster_entry ORDER BY id")
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    assert_eq!(edits, [2, 1]);
    let page = list_entries(&database.pool, "rep", Some("ada".into()), 5).await.unwrap();
    assert_eq!(page.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["ben"]);
}

fn absence(rep: &str, number: u128, to: Option<i64>) -> AbsenceRow {
    AbsenceRow {
        id: Uuid::from_u128(number),
        rep_id: rep.to_owned(),
        from_at: now() - TimeDelta::days(1),
        to_at: to.map(|hours| now() + TimeDelta::hours(hours)),
        cover: None,
        note: None,
        created_at: now(),
        created_by: "t".to_owned(),
    }
}

#[tokio::test]
async fn absences_are_read_until_their_last_instant() {
    let database = testing::database().await;
    let mut conn = database.pool.acquire().await.unwrap();
    for row in [
        absence("ben", 1, None),
        absence("ada", 2, Some(1)),
        absence("ada", 3, Some(0)),
        absence("ada", 4, Some(-1)),
    ] {
        insert_absence(&mut conn, &row).await.unwrap();
    }
    let ids = |rows: &[AbsenceRow]| rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>();
    assert_eq!(ids(&absences_from(&mut conn, now()).await.unwrap()), [2, 1]);
    let all = list_absences(&database.pool, "ada", None, 2).await.unwrap();
    assert_eq!(ids(&all), [4, 3], "the latest first");
    let rest = list_absences(&database.pool, "ada", Some((all[1].from_at, all[1].id)), 2).await.unwrap();
    assert_eq!(ids(&rest), [2]);
    end_absence(&mut conn, Uuid::from_u128(1), now()).await.unwrap();
    remove_absence(&mut conn, Uuid::from_u128(2)).await.unwrap();
    assert!(absences_from(&mut conn, now()).await.unwrap().is_empty());
    let gone = find_absence(&mut conn, "ben", Uuid::from_u128(2)).await.unwrap();
    assert!(gone.is_none());
}

/// Handoffs of `ada` in several states, with a turn each.
const HANDOFFS: &str = r"
    INSERT INTO account (account_id, state, version, created_at, changed_at)
      VALUES ('a', '{}', 1, '2027-01-01Z', '2027-01-01Z');
    INSERT INTO handoff (account_id, id, type, status, from_team, to_team, cause, requested_by, segment, urgency, package,
        package_digest, completeness, missing, request, owner_id, clock, waiting_since, created_at, assigned_at,
        acknowledged_at, contacted_at, meeting_at, closed_at)
      SELECT 'a', lpad(n::text, 32, '0')::uuid, 'type' || n, status, 'm', 's', 'c' || n, 't', 'smb', 'high', '{}', '', 100,
             '[]', '{}', 'ada', '{}', at, at, at, at, at, at, CASE WHEN status IN ('lost', 'converted') THEN at END
      FROM (VALUES (1, 'assigned'), (2, 'acknowledged'), (3, 'contacted'), (4, 'meeting_booked'), (5, 'lost'), (6, 'converted'))
             AS s (n, status), (SELECT '2027-01-14T00:00:00Z'::timestamptz AS at) AS t;
    INSERT INTO handoff_turn (account_id, handoff_id, number, owner_id, outcome, assigned_at, ended_at, end_reason, credited)
      SELECT 'a', lpad(n::text, 32, '0')::uuid, 1, 'ada', '{}', '2027-01-15T08:00:00Z'::timestamptz - interval '2 days' * n,
             CASE WHEN n > 4 THEN '2027-01-15Z'::timestamptz END, CASE WHEN n > 4 THEN 'closed' END, n = 2
      FROM generate_series(1, 6) AS n";

#[tokio::test]
async fn what_reps_have_is_read_at_once_without_what_was_credited_back() {
    let database = testing::database().await;
    sqlx::raw_sql(HANDOFFS).execute(&database.pool).await.unwrap();
    let mut conn = database.pool.acquire().await.unwrap();
    let since = now() - TimeDelta::days(8);
    let mut loads = loads(&mut conn, &["ada", "ben"], &[true, true], since).await.unwrap();
    loads.sort_by(|a, b| a.rep_id.cmp(&b.rep_id));
    let seen: Vec<_> = loads.iter().map(|load| (load.rep_id.as_str(), load.open, load.taken.len())).collect();
    // Turns of 2 and 6 days ago; the one of 4 days ago was credited back, the others are older.
    assert_eq!(seen, [("ada", 4, 2), ("ben", 0, 0)]);
    let uncounted = super::loads(&mut conn, &["ada"], &[false], since).await.unwrap();
    assert_eq!((uncounted[0].open, uncounted[0].taken.len()), (4, 0), "no cap asks when");
}

/// Rows that a plan read and threw away, in all of its parts.
fn thrown_away(plan: &serde_json::Value) -> f64 {
    let here = plan.as_object().into_iter().flatten();
    let removed =
        here.filter(|(name, _)| name.starts_with("Rows Removed by")).filter_map(|(_, rows)| rows.as_f64());
    let below = plan["Plans"].as_array().into_iter().flatten().map(thrown_away);
    removed.sum::<f64>() + below.sum::<f64>()
}

#[tokio::test]
async fn no_filter_of_the_list_of_handoffs_reads_what_it_does_not_show() {
    let database = testing::database().await;
    // Of each filter few match, and the newest ones do not.
    let many = r"
        INSERT INTO account (account_id, state, version, created_at, changed_at)
          SELECT account, '{}', 1, now(), now() FROM (VALUES ('few'), ('many')) AS a (account);
        INSERT INTO handoff (account_id, id, type, status, from_team, to_team, cause, requested_by, segment, urgency, package,
            package_digest, completeness, missing, request, owner_id, clock, waiting_since, created_at, assigned_at,
            acknowledged_at, due_at, deal_id)
          SELECT CASE WHEN n <= 20 THEN 'few' ELSE 'many' END, lpad(n::text, 32, '0')::uuid,
                 CASE WHEN n <= 20 THEN 'rare' ELSE 'usual' END, CASE WHEN n <= 20 THEN 'acknowledged' ELSE 'assigned' END,
                 'm', 's', 'c' || n, 't', 'smb', 'high', '{}', '', 100, '[]', '{}', CASE WHEN n <= 20 THEN 'ada' ELSE 'ben' END,
                 '{}', at, at, at, at, CASE WHEN n <= 20 THEN at ELSE at + interval '9 days' END, n::text
          FROM generate_series(1, 3000) AS n, (SELECT '2027-01-14T00:00:00Z'::timestamptz AS at) AS t;
        ANALYZE handoff";
    sqlx::raw_sql(many).execute(&database.pool).await.unwrap();
    let some = |text: &str| Some(text.to_owned());
    let usual = || HandoffFilter { limit: 11, ..HandoffFilter::default() };
    let filters = [
        ("none", usual()),
        ("status", HandoffFilter { status: Some("acknowledged"), ..usual() }),
        ("type", HandoffFilter { handoff_type: some("rare"), ..usual() }),
        ("owner", HandoffFilter { owner_id: some("ada"), ..usual() }),
        ("account", HandoffFilter { account_id: some("few"), ..usual() }),
        ("overdue", HandoffFilter { overdue: Some((true, now())), ..usual() }),
    ];
    let before = Some(Uuid::from_u128(0x21));
    let later = filters.clone().map(|(what, filter)| (what, HandoffFilter { before, ..filter }));
    // What is overdue may be passed by on the way through the others.
    let others = ("not overdue", HandoffFilter { overdue: Some((false, now())), ..usual() });
    for (what, filter) in filters.into_iter().chain(later).chain([others]) {
        let mut query = listing("EXPLAIN (ANALYZE, FORMAT JSON) ", &filter);
        let plan: sqlx::types::Json<serde_json::Value> =
            query.build_query_scalar().fetch_one(&database.pool).await.unwrap();
        let plan = &plan.0[0]["Plan"];
        assert_eq!(plan["Actual Rows"].as_f64(), Some(11.0), "{what}: a page is full");
        assert!(thrown_away(plan) < 0.5, "{what}, before {:?}: {plan:#}", filter.before);
    }
}

#[tokio::test]
async fn an_edit_that_was_rolled_back_is_never_taken_for_the_one_that_got_its_number() {
    let database = testing::database().await;
    let edit = async |kept: bool| {
        let mut tx = crate::platform::db::begin(&database.pool).await.unwrap();
        let raise = "UPDATE roster_head SET version = version + 1 WHERE only_row";
        sqlx::query(raise).execute(&mut *tx).await.unwrap();
        let edit = roster_edit(&mut tx).await.unwrap();
        if kept {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        edit
    };
    let (lost, kept) = (edit(false).await, edit(true).await);
    assert_eq!(lost.version, kept.version);
    assert_ne!(lost, kept);
    assert_eq!(roster_edit(&mut database.pool.acquire().await.unwrap()).await.unwrap(), kept);
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let database = testing::database().await;
    let plans = [
        "SELECT id FROM absence WHERE coalesce(to_at, 'infinity') > now()",
        "SELECT id FROM absence WHERE rep_id = 'a' AND (from_at, id) < (now(), gen_random_uuid()) ORDER BY from_at DESC, id DESC LIMIT 2",
        "SELECT version, xmin::text::bigint FROM roster_head WHERE only_row",
    ];
    for plan in plans {
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN {plan}"));
        let lines: Vec<String> = sqlx::query_scalar(sql).fetch_all(&database.pool).await.unwrap();
        assert!(lines.iter().all(|line| !line.contains("Seq Scan")), "{plan}: {lines:#?}");
    }
}
