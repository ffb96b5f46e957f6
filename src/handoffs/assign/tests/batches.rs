//! Queues, batches, what comes back, and what a leaver held.

use super::*;

/// So many requests, the later ones older.
fn requests(count: u32) -> Vec<Request> {
    (0..count).map(|at| Request { waiting_since: after(-i64::from(at)), ..request(u128::from(at)) }).collect()
}

fn count(batch: &many::Batch, rep: &str) -> usize {
    batch.placed().filter(|(_, outcome)| rep_of(outcome) == Some(rep)).count()
}

#[test]
fn the_oldest_is_served_first_within_its_priority() {
    let roster = roster_with(Value::Null, vec![rep("ada", json!({"capacity": 2}))], Value::Null);
    let mut waiting = requests(4);
    waiting[0].priority = 0;
    waiting[1..].iter_mut().for_each(|request| request.priority = 5);
    let batch = assign_many(&waiting, &mut snapshot(&roster), noon());
    let order: Vec<u128> = batch.outcomes.iter().map(|(id, _)| id.as_u128()).collect();
    assert_eq!(order, [0, 3, 2, 1]);
    assert_eq!(batch.placed().map(|(id, _)| id.as_u128()).collect::<Vec<_>>(), [0, 3]);
    assert_eq!(batch.wakes_at, None, "only work done frees capacity");
}

#[test]
fn one_that_nobody_can_take_holds_up_none_behind_it() {
    let roster = roster_with(json!({"fallbackOwner": "ada"}), vec![rep("ada", Value::Null)], Value::Null);
    let mut waiting = requests(2);
    waiting[1].skills = ["german".to_owned()].into();
    let batch = assign_many(&waiting, &mut snapshot(&roster), noon());
    assert_eq!(batch.placed().map(|(id, _)| id.as_u128()).collect::<Vec<_>>(), [0]);
    assert_eq!(batch.wakes_at, Some(after(-1 + 240)), "the fallback owner is what it waits for");
}

#[test]
fn a_batch_is_shared_out_and_never_goes_to_one() {
    let mut snapshot = snapshot(&three());
    let batch = assign_many(&requests(100), &mut snapshot, noon());
    let counts = ["ada", "ben", "cid"].map(|rep| count(&batch, rep));
    assert_eq!(counts, [34, 33, 33]);
    // The next batch goes on where this one ended.
    let batch = assign_many(&requests(2), &mut snapshot, noon());
    assert_eq!(["ada", "ben", "cid"].map(|rep| count(&batch, rep)), [0, 1, 1]);
}

#[test]
fn a_batch_stops_at_caps_and_says_when_to_go_on() {
    let caps =
        json!({"caps": [{"limit": 2, "window": "hour", "kind": "rolling"}, {"limit": 5, "window": "day"}]});
    let roster = roster_with(Value::Null, ["ada", "ben"].map(|id| rep(id, caps.clone())).into(), Value::Null);
    let mut snapshot = snapshot(&roster);
    let batch = assign_many(&requests(10), &mut snapshot, noon());
    assert_eq!((count(&batch, "ada"), count(&batch, "ben"), batch.wakes_at), (2, 2, Some(after(60))));
    let batch = assign_many(&requests(10), &mut snapshot, after(60));
    assert_eq!((batch.placed().count(), batch.wakes_at), (4, Some(after(120))));
    let batch = assign_many(&requests(10), &mut snapshot, after(120));
    assert_eq!((batch.placed().count(), batch.wakes_at), (2, Some(after(720))), "the day's cap");
}

#[test]
fn what_is_lost_goes_to_another_and_its_loser_is_credited() {
    let mut snapshot = snapshot(&three());
    let first = assign(&request(1), &snapshot, noon());
    snapshot.apply(&first, noon());
    assert_eq!(rep_of(&first), Some("ada"));
    let second = reassign(&request(1), &first, noon(), &mut snapshot, after(5));
    assert_eq!(rep_of(&second), Some("ben"));
    assert_eq!(codes(&second, "ada"), ["just_lost_it"]);
    let ada = snapshot.standing(&rep_id("ada")).unwrap();
    assert_eq!((ada.open, ada.taken.len()), (0, 0));
    let accounts = snapshot.rotation(&team_id("sales")).unwrap();
    assert_eq!(accounts.account(&rep_id("ada")).unwrap().balance, 0);
    let next = assign_many(&[request(2), request(3)], &mut snapshot, after(6));
    let order: Vec<_> = next.outcomes.iter().map(|(_, outcome)| rep_of(outcome)).collect();
    assert_eq!(order, [Some("cid"), Some("ada")]);
}

#[test]
fn a_leaver_is_given_nothing_and_all_that_it_held_goes_elsewhere() {
    let more = json!({
        "territories": [{"id": "dach", "match": {"countries": ["de"]}, "to": {"rep": "ada"}}],
        "namedAccounts": [{"account": "acme.com", "reps": ["ada"]}],
        "segments": [{"segment": "smb", "to": {"rep": "ada"}}],
    });
    let reps = vec![rep("ada", Value::Null), rep("ben", json!({"manager": "ada"})), rep("cid", Value::Null)];
    let roster = roster_with(json!({"fallbackOwner": "ada"}), reps, more);
    let mut snapshot = snapshot(&roster);
    let held: Vec<Request> =
        requests(5).into_iter().map(|request| Request { crm_owner: Some("ada".into()), ..request }).collect();
    let plan = offboard(&rep_id("ada"), &held, &mut snapshot, noon());
    assert_eq!(["ada", "ben", "cid"].map(|rep| count(&plan.moves, rep)), [0, 3, 2]);
    assert_eq!(plan.mentions.len(), 5, "{:?}", plan.mentions);
    let owned = Request { crm_owner: Some("ada".into()), ..request(9) };
    let next = assign(&owned, &snapshot, noon());
    assert_eq!(rep_of(&next), Some("cid"));
    assert_eq!(codes(&next, "ada"), ["leaving"]);
}
