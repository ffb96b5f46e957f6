//! More information never makes a handoff worse.

use std::collections::BTreeSet;

use chrono::{Days, TimeDelta};
use proptest::prelude::*;

use super::company::{PURPOSE, activity, fact, known, note};
use super::*;
use crate::accounts::model::{
    Consent, Deal, Overlap, OverlapKind, Qualification, Subscription, Ticket, UsageDay,
};

/// A piece of information, as a number and a choice.
type Piece = (u8, u8);

const PIECES: u8 = 20;

fn learn(world: &mut World, (what, which): Piece) {
    let text = format!("text {which}");
    let word = || known(text.clone());
    let profile = &mut world.state.profile;
    match what {
        0 => profile.name = word(),
        1 => profile.industry = word(),
        2 => profile.employee_count = known(u64::from(which)),
        3 => profile.created_at = known(now() - TimeDelta::days(which.into())),
        4 => world.people.push(person(&format!("p-{which}"), "A", "B", "CFO", "a@acme.com", "")),
        5 => world.people.push(person(&format!("q-{which}"), "A", "", "", "", "")),
        6 => {
            let mut opted_out = person(&format!("r-{which}"), "A", "", "CEO", "r@acme.com", "");
            opted_out.contact.opted_out = known(true);
            world.people.push(opted_out);
        }
        7 => world.activities.push(activity("webinar", "inbound", "", &text, which.into())),
        8 => world.activities.push(activity("call", "outbound", "", &text, which.into())),
        9 => world.notes.push(note(
            ["pain_point", "promise", "success_criterion", "next_step"][usize::from(which % 4)],
            &text,
            1,
        )),
        10 => {
            let day = UsageDay { active_users: 3, features: [(text, 5)].into(), ..UsageDay::default() };
            world.state.usage.days.insert(now().date_naive() - Days::new(u64::from(which % 28)), day);
        }
        11 => profile.seats = known(u64::from(which) + 1),
        12 => {
            let overlap = fact(Overlap { strength: f64::from(which) / 255.0, active: true });
            world.state.overlaps.entry(text).or_default().insert(OverlapKind::Customer, overlap);
        }
        13 => {
            world.state.referrals.insert(text, fact(now() - TimeDelta::days(i64::from(which % 60))));
        }
        14 => {
            let consent = Consent { granted: true, legal_basis: None, expires_at: None };
            let reach = usize::from(which % 3 == 0);
            world.state.consents.insert(purposes(PURPOSE, &text, None).remove(reach), fact(consent));
        }
        15 => {
            let subscription = Subscription { mrr: word(), ..Subscription::default() };
            world.state.subscriptions.insert(text, subscription);
        }
        16 => {
            let ticket = Ticket {
                status: "open".to_owned(),
                priority: None,
                satisfaction: Some(3.0),
                escalated: Some(true),
            };
            world.state.tickets.insert(text, fact(ticket));
        }
        17 => world.state.engagement.last_inbound_at = Some(now()),
        _ => learn_of_the_deal(world, which),
    }
}

/// One field of the deal that is handed over, or of its qualification.
fn learn_of_the_deal(world: &mut World, which: u8) {
    let deal: &mut Deal = world.state.deals.entry("deal-1".to_owned()).or_default();
    let word = || known("text".to_owned());
    let said = deal.qualification.take().and_then(|fact| fact.value);
    let mut said = said.unwrap_or_default();
    match which % 12 {
        0 => deal.name = word(),
        1 => deal.amount = known("10".to_owned()),
        2 => deal.stage = known("proposal".to_owned()),
        3 => deal.source = word(),
        4 => deal.products = known(vec!["Text".to_owned()]),
        5 => deal.expected_close_date = known(now().date_naive()),
        6 => said.score = Some(1.0),
        7 => said.framework = Some(["bant", "meddic"][usize::from(which / 128)].to_owned()),
        8 => said.pain_points.push("it hurts".to_owned()),
        9 => said.budget_confirmed = Some(which > 127),
        10 => said.timeline = Some("soon".to_owned()),
        _ => said.decision_process = Some("by vote".to_owned()),
    }
    if said != Qualification::default() {
        deal.qualification = known(said);
    }
}

proptest! {
    #[test]
    fn information_never_adds_a_hold_and_never_lowers_completeness(
        pieces in prop::collection::vec((0..PIECES, any::<u8>()), 1..30),
        before in 0.0_f64..1.0,
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place among thirty")]
        let known_before = (pieces.len() as f64 * before) as usize;
        let mut world = World { deal_id: Some("deal-1".to_owned()), ..World::empty() };
        pieces[..known_before].iter().for_each(|piece| learn(&mut world, *piece));
        let (less, more) = (world.clone().derived(), {
            pieces[known_before..].iter().for_each(|piece| learn(&mut world, *piece));
            world.derived()
        });
        for (name, handoff_type) in types().iter() {
            let (less, more) = (packed(&less, name), packed(&more, name));
            let held = |package: &Package| -> BTreeSet<_> {
                holds(package, handoff_type).into_iter().map(|hold| hold.code).collect()
            };
            prop_assert!(held(&more).is_subset(&held(&less)), "{}: {:?}", name, held(&more));
            let percent = |package: &Package| completeness(package, handoff_type).percent;
            prop_assert!(percent(&less) <= percent(&more), "{}", name);
        }
    }

    #[test]
    fn the_order_in_which_things_are_told_changes_nothing(
        pieces in prop::collection::vec((4_u8..10, any::<u8>()), 0..12),
        seed in any::<u64>(),
    ) {
        let mut world = World::empty();
        for piece in &pieces {
            learn(&mut world, *piece);
        }
        world.people.dedup_by(|a, b| a.id == b.id);
        let mut mixed = world.clone();
        let turn = |len: usize| usize::try_from(seed % (len as u64 + 1)).unwrap();
        let (people, notes, activities) = (turn(mixed.people.len()), turn(mixed.notes.len()), turn(mixed.activities.len()));
        mixed.people.rotate_left(people);
        mixed.notes.rotate_left(notes);
        mixed.activities.rotate_left(activities);
        prop_assert_eq!(packed(&world, "mql_to_sales"), packed(&mixed, "mql_to_sales"));
    }
}
