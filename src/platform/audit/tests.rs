//! Whoever tampers is found; whoever does not is left in peace.

use futures_util::future::BoxFuture;
use proptest::prelude::*;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use super::verify::{Checked, Expected, Kind, Mismatch, Scope, verify};
use super::*;
use crate::platform::db;
use crate::testing::{self, TestDatabase};

fn at(seconds: i64) -> DateTime {
    chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn entry(number: i64) -> Entry {
    Entry::new("key:1", "thing.done", format!("thing:{number}"), json!({ "number": number }))
}

async fn add(pool: &PgPool, account: &str, from: i64, count: i64) {
    let entries: Vec<_> = (from..from + count).map(entry).collect();
    let mut tx = db::begin(pool).await.unwrap();
    append(&mut tx, account, at(from), &entries).await.unwrap();
    tx.commit().await.unwrap();
}

/// Three chains of five entries, pinned, with two more entries each that are not.
async fn log() -> (TestDatabase, Signer) {
    let (database, signer) = (testing::database().await, Signer::generate());
    for account in ["a", "b", SYSTEM] {
        add(&database.pool, account, 1, 5).await;
    }
    checkpoint::make(&database.pool, &signer, at(10)).await.unwrap().unwrap();
    for account in ["a", "b", SYSTEM] {
        add(&database.pool, account, 6, 2).await;
    }
    (database, signer)
}

/// Does what only an attacker with all rights can do: changes rows behind the triggers.
async fn tamper(pool: &PgPool, statements: &[&str]) {
    let mut tx = db::begin(pool).await.unwrap();
    sqlx::query("set local session_replication_role = replica").execute(&mut *tx).await.unwrap();
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe((*statement).to_owned())).execute(&mut *tx).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement} changed nothing");
    }
    tx.commit().await.unwrap();
}

async fn found(pool: &PgPool, signer: &Signer) -> Vec<(Kind, Option<String>, i64)> {
    let report = verify(pool, signer, &[], &Scope::default()).await.unwrap();
    assert_eq!(report.intact, report.findings.is_empty());
    report.findings.into_iter().map(|finding| (finding.kind, finding.account_id, finding.seq)).collect()
}

#[tokio::test]
async fn an_untouched_log_verifies_and_is_counted() {
    let (database, signer) = log().await;
    let report = verify(&database.pool, &signer, &[], &Scope::default()).await.unwrap();
    assert!(report.intact, "{report:?}");
    assert_eq!((report.chains, report.entries, report.checkpoints), (3, 21, 1));
    let one = Scope { account_id: Some("a".into()), expect: None };
    let report = verify(&database.pool, &signer, &[], &one).await.unwrap();
    assert_eq!((report.intact, report.chains, report.entries), (true, 1, 7));
}

#[tokio::test]
async fn every_single_tampering_is_found_at_its_first_entry() {
    let a = || Some("a".to_owned());
    let shift = "update audit_entry set seq = seq + 1000 where account_id = 'a' and seq >= 3";
    let cases: &[(&[&str], Kind, Option<String>, i64)] = &[
        (&["update audit_entry set details = '{}' where account_id = 'a' and seq = 3"], Kind::Changed, a(), 3),
        (&["update audit_entry set actor = 'x' where account_id = 'a' and seq = 7"], Kind::Changed, a(), 7),
        (&["update audit_entry set at = at + interval '1us' where account_id = 'a' and seq = 1"], Kind::Changed, a(), 1),
        (&["update audit_entry set hash = sha256('x') where account_id = 'a' and seq = 2"], Kind::Changed, a(), 2),
        (&["update audit_entry set account_id = 'c' where account_id = 'a' and seq = 7"], Kind::Head, a(), 6),
        (&["delete from audit_entry where account_id = 'a' and seq = 3"], Kind::Missing, a(), 4),
        (&["delete from audit_entry where account_id = 'a' and seq = 1"], Kind::Missing, a(), 2),
        (&["delete from audit_entry where account_id = 'a' and seq = 7"], Kind::Head, a(), 6),
        (&["delete from audit_entry where account_id = 'a'"], Kind::Head, a(), 7),
        (&["delete from audit_head where account_id = 'a'"], Kind::Head, a(), 7),
        (&["update audit_head set hash = sha256('x') where account_id = 'a'"], Kind::Head, a(), 7),
        (&["update audit_head set dirty = false where account_id = 'a'"], Kind::Head, a(), 7),
        (&["update audit_entry set seq = -seq where account_id = 'a' and seq in (3, 4)",
           "update audit_entry set seq = 7 + seq where account_id = 'a' and seq < 0"], Kind::Changed, a(), 3),
        (&[shift, "update audit_entry set seq = seq - 999 where account_id = 'a' and seq > 1000",
           "insert into audit_entry select account_id, 3, at, actor, action, subject, details, prev_hash, hash
            from audit_entry where account_id = 'a' and seq = 2"], Kind::Changed, a(), 3),
        (&["delete from audit_checkpoint"], Kind::Checkpoint, None, 1),
        (&["update audit_checkpoint set at = at + interval '1 day'"], Kind::Checkpoint, None, 1),
        (&["update audit_checkpoint set signature = sha256('x') || sha256('y')"], Kind::Checkpoint, None, 1),
        (&["update audit_checkpoint_head set seq = 4 where account_id = 'a'"], Kind::Rewritten, a(), 4),
        (&["delete from audit_checkpoint_head where account_id = 'a'"], Kind::Checkpoint, None, 1),
    ];
    for (statements, kind, account, seq) in cases {
        let (database, signer) = log().await;
        // The last case but for constraints: seq must stay positive for honest writers only.
        sqlx::query("alter table audit_entry drop constraint audit_entry_seq_counts")
            .execute(&database.pool)
            .await
            .unwrap();
        tamper(&database.pool, statements).await;
        let findings = found(&database.pool, &signer).await;
        assert!(findings.contains(&(*kind, account.clone(), *seq)), "{statements:?} gave {findings:?}");
    }
}

/// Cuts a chain after `keep` entries and makes the head fit: all that a chain without a secret can show is in order.
async fn cut(pool: &PgPool, keep: i64) {
    let delete = format!("delete from audit_entry where account_id = 'a' and seq > {keep}");
    let head = format!(
        "update audit_head set seq = {keep}, dirty = true,
         hash = (select hash from audit_entry where account_id = 'a' and seq = {keep}) where account_id = 'a'"
    );
    tamper(pool, &[&delete, &head]).await;
}

#[tokio::test]
async fn a_cut_or_rewritten_end_is_found_once_a_checkpoint_has_pinned_it() {
    let (database, signer) = log().await;
    cut(&database.pool, 5).await;
    assert_eq!(
        found(&database.pool, &signer).await,
        [],
        "not pinned yet: the window that the interval bounds"
    );
    cut(&database.pool, 4).await;
    assert_eq!(found(&database.pool, &signer).await, [(Kind::Truncated, Some("a".into()), 5)]);
    // An honest-looking entry in the place of the pinned one.
    let mut tx = db::begin(&database.pool).await.unwrap();
    append(&mut tx, "a", at(5), &[entry(99)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(found(&database.pool, &signer).await, [(Kind::Rewritten, Some("a".into()), 5)]);
}

#[tokio::test]
async fn a_checkpoint_that_others_signed_or_that_was_taken_away_is_found() {
    let (database, signer) = log().await;
    let newest = checkpoint::make(&database.pool, &signer, at(20)).await.unwrap().unwrap();
    assert_eq!((newest.seq, newest.chains), (2, 3));
    assert_eq!(checkpoint::make(&database.pool, &signer, at(30)).await.unwrap(), None, "nothing has changed");
    assert_eq!(found(&database.pool, &signer).await, []);

    let stranger = Signer::generate();
    assert_eq!(found(&database.pool, &stranger).await.len(), 2, "nobody here signed these");
    add(&database.pool, "a", 8, 1).await;
    checkpoint::make(&database.pool, &stranger, at(40)).await.unwrap();
    assert_eq!(found(&database.pool, &signer).await, [(Kind::Checkpoint, None, 3)]);

    tamper(
        &database.pool,
        &[
            "delete from audit_checkpoint_head where checkpoint >= 2",
            "delete from audit_checkpoint where seq >= 2",
            "update audit_head set dirty = true",
        ],
    )
    .await;
    assert_eq!(found(&database.pool, &signer).await, [], "all traces removed");
    let expect = Some(Expected { seq: newest.seq, hash: hex::encode(newest.hash) });
    let scope = Scope { account_id: None, expect };
    let report = verify(&database.pool, &signer, &[], &scope).await.unwrap();
    assert_eq!(
        (report.findings[0].kind, report.findings[0].seq),
        (Kind::Checkpoint, 2),
        "but for the note elsewhere"
    );
}

#[tokio::test]
async fn the_log_refuses_to_be_changed() {
    let (database, _) = log().await;
    for statement in [
        "update audit_entry set actor = 'x'",
        "delete from audit_entry",
        "truncate audit_entry",
        "update audit_checkpoint set chains = 0",
        "delete from audit_checkpoint_head",
    ] {
        let error =
            sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&database.pool).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{statement}: {error}");
    }
}

#[tokio::test]
async fn many_who_append_at_once_leave_an_unbroken_chain() {
    let (database, signer) = (testing::database().await, Signer::generate());
    let writers = (0..24_i64).map(|writer| {
        let (pool, signer) = (database.pool.clone(), signer.clone());
        async move {
            for round in 0..5 {
                let mut tx = db::begin(&pool).await.unwrap();
                let entries = [entry(writer * 100 + round), entry(round)];
                append(&mut tx, "busy", at(round), &entries).await.unwrap();
                tx.commit().await.unwrap();
                if round == writer % 5 {
                    checkpoint::make(&pool, &signer, at(round)).await.unwrap();
                }
            }
        }
    });
    futures_util::future::join_all(writers).await;
    let report = verify(&database.pool, &signer, &[], &Scope::default()).await.unwrap();
    assert!(report.intact, "{report:?}");
    assert_eq!((report.chains, report.entries), (1, 240));
}

#[tokio::test]
async fn whoever_links_behind_an_old_end_is_refused() {
    let (database, signer) = log().await;
    let mut tx = db::begin(&database.pool).await.unwrap();
    let stale = Chain::start("a");
    let error = append_to(&mut tx, &stale, at(9), &[entry(9)]).await.unwrap_err();
    assert!(matches!(error, AuditError::Moved(_)), "{error}");
    tx.rollback().await.unwrap();
    let mut tx = db::begin(&database.pool).await.unwrap();
    let unknown = Chain { seq: 3, ..Chain::start("nobody") };
    assert!(matches!(append_to(&mut tx, &unknown, at(9), &[entry(9)]).await, Err(AuditError::Moved(_))));
    tx.rollback().await.unwrap();
    assert_eq!(found(&database.pool, &signer).await, []);
}

/// Holds that the document of entry 4 is not what it was.
struct Shelf;

impl Recheck for Shelf {
    fn check<'a>(
        &'a self,
        _conn: &'a mut PgConnection,
        rows: &'a [Row],
    ) -> BoxFuture<'a, Result<Checked, sqlx::Error>> {
        let wrong = rows.iter().filter(|row| row.account_id == "b" && row.seq == 4);
        let wrong = wrong.map(|row| Mismatch {
            account_id: row.account_id.clone(),
            seq: row.seq,
            detail: "the decision's text does not give its digest".into(),
        });
        Box::pin(std::future::ready(Ok(Checked { mismatches: wrong.collect(), ..Checked::default() })))
    }
}

#[tokio::test]
async fn a_document_that_no_longer_fits_its_digest_is_found() {
    let (database, signer) = log().await;
    let rechecks: Vec<Box<dyn Recheck>> = vec![Box::new(Shelf)];
    let report = verify(&database.pool, &signer, &rechecks, &Scope::default()).await.unwrap();
    let finding = &report.findings[0];
    assert_eq!((finding.kind, finding.account_id.as_deref(), finding.seq), (Kind::Document, Some("b"), 4));
    assert_eq!(report.findings.len(), 1);
}

#[tokio::test]
async fn a_log_longer_than_a_batch_is_followed_across_it() {
    let (database, signer) = (testing::database().await, Signer::generate());
    for (account, count) in [("a", 1_500), ("b", 700)] {
        let entries: Vec<_> = (1..=count).map(entry).collect();
        let mut tx = db::begin(&database.pool).await.unwrap();
        append(&mut tx, account, at(0), &entries).await.unwrap();
        tx.commit().await.unwrap();
    }
    let report = verify(&database.pool, &signer, &[], &Scope::default()).await.unwrap();
    assert_eq!((report.intact, report.chains, report.entries), (true, 2, 2_200), "{report:?}");
    tamper(&database.pool, &["delete from audit_entry where account_id = 'a' and seq = 1000"]).await;
    assert_eq!(found(&database.pool, &signer).await, [(Kind::Missing, Some("a".into()), 1001)]);
}

proptest! {
    /// Any one change of any stored part of any entry is seen by the pure check that `verify` runs.
    #[test]
    fn no_part_of_a_chain_can_be_changed_unseen(
        parts in prop::collection::vec(("\\PC{0,8}", "\\PC{0,8}", "\\PC{0,8}", any::<i64>()), 1..6),
        pick in any::<prop::sample::Index>(),
        part in 0..5_usize,
        with in "\\PC{1,4}",
    ) {
        let mut chain = Chain::start("a");
        let mut rows: Vec<Row> = parts.iter().map(|(actor, action, subject, number)| {
            let details = json!({ "n": number.to_string() });
            chain.link(at(0), &Entry::new(actor.as_str(), action.as_str(), subject.as_str(), details)).unwrap()
        }).collect();
        for (before, row) in rows.iter().zip(rows.iter().skip(1)) {
            prop_assert_eq!(before.hash, row.prev_hash);
        }
        let at = pick.index(rows.len());
        let row = &mut rows[at];
        match part {
            0 => row.actor.push_str(&with),
            1 => row.action.push_str(&with),
            2 => row.subject.push_str(&with),
            3 => row.details.push_str(&with),
            _ => row.seq += 1,
        }
        prop_assert_ne!(row.computed_hash().unwrap(), row.hash);
    }
}
