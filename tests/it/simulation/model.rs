//! What must have happened in a simulated world, worked out from what people did: minute by minute, without the service's
//! clocks and calendars.

use std::collections::BTreeMap;

use super::world::{self, Calendar, Deed, Minute, Season};

/// From when to when somebody was away, and who stood in.
#[derive(Debug, Clone)]
pub struct Away {
    pub rep: &'static str,
    pub from: Minute,
    pub to: Minute,
    pub cover: Option<&'static str>,
}

impl Away {
    pub fn holds(&self, minute: Minute) -> bool {
        (self.from..self.to).contains(&minute)
    }
}

/// Who worked when, as it was at each minute.
#[derive(Debug, Clone)]
pub struct Hours {
    pub season: Season,
    /// The calendars of each rep, with the minute from which they held.
    pub calendars: BTreeMap<&'static str, Vec<(Minute, Calendar)>>,
    pub away: Vec<Away>,
    /// When the service was down.
    pub outages: Vec<(Minute, Minute)>,
}

impl Hours {
    /// Whether a rep is at work as the calendars have it; absences come on top.
    pub fn at_work(&self, rep: &str, minute: Minute) -> bool {
        let calendars = self.calendars.get(rep).map(Vec::as_slice).unwrap_or_default();
        let present = calendars.iter().rfind(|(from, _)| *from <= minute);
        present.is_some_and(|(_, calendar)| self.season.open(*calendar, minute))
    }

    pub fn is_away(&self, rep: &str, minute: Minute) -> bool {
        self.away.iter().any(|away| away.rep == rep && away.holds(minute))
    }

    /// When something that falls due at a minute is done: then, or when the service is back.
    pub fn served(&self, minute: Minute) -> Minute {
        let down = self.outages.iter().find(|(from, to)| (*from..*to).contains(&minute));
        down.map_or(minute, |(_, back)| *back)
    }
}

/// Something that somebody did in a turn.
#[derive(Debug, Clone)]
pub struct Done {
    pub at: Minute,
    pub deed: Deed,
    /// Before the service had looked what fell due in that minute.
    pub first: bool,
}

/// One turn with a handoff, as it went.
#[derive(Debug, Clone)]
pub struct Turn {
    pub owner: String,
    pub from: Minute,
    /// By the wall, or by working time.
    pub business: bool,
    /// What people did in it, in order.
    pub deeds: Vec<Done>,
    /// How often time had run out in a row before.
    pub late_before: u8,
}

/// A step that must have happened, and when.
pub type Due = (&'static str, Minute);

/// How a turn ends: by what, and when. None: it still runs.
pub type End = Option<(&'static str, Minute)>;

/// An answer is waited for so long.
const WAIT_FOR_ANSWER: Minute = 20 * 60;

impl Turn {
    fn counts(&self, minute: Minute, hours: &Hours) -> bool {
        let works = !self.business
            || hours.season.open(world::TEAM, minute)
                && hours.at_work(&self.owner, minute)
                && !hours.is_away(&self.owner, minute);
        works && !self.waits(minute)
    }

    /// Whether the clock stands still for the first question of the turn.
    fn waits(&self, minute: Minute) -> bool {
        let Some(asked) = self.deeds.iter().position(|done| done.deed == Deed::Ask) else { return false };
        let from = self.deeds[asked].at;
        let answer = self.deeds[asked..].iter().find(|done| done.deed == Deed::Answer);
        let until = answer.map_or(Minute::MAX, |answer| answer.at).min(from + WAIT_FOR_ANSWER);
        (from..until).contains(&minute)
    }

    /// The first of some deeds.
    fn first(&self, wanted: impl Fn(&Deed) -> bool) -> Option<&Done> {
        self.deeds.iter().find(|done| wanted(&done.deed))
    }

    /// The steps of the turn up to a minute, in order, and how it ended. What falls due in the minute in which somebody
    /// does something comes first, but where nobody had looked yet.
    pub fn course(&self, hours: &Hours, until: Minute) -> (Vec<Due>, End) {
        let contact = self.first(|deed| {
            use Deed::{Contact, ContactReported, Convert, ConvertReported, Meeting};
            matches!(deed, Contact | ContactReported(_) | Meeting | Convert | ConvertReported)
        });
        let acknowledged = self.first(|deed| matches!(deed, Deed::Acknowledge | Deed::Ask));
        let closing = |deed: &Deed| match deed {
            Deed::Convert | Deed::ConvertReported | Deed::Lose => Some("closed"),
            Deed::Reject => Some("rejected"),
            Deed::Cancel => Some("cancelled"),
            Deed::RollBack => Some("rolled_back"),
            _ => None,
        };
        let closed = self.deeds.iter().find(|done| closing(&done.deed).is_some());
        let last = [contact, closed].into_iter().flatten().min_by_key(|done| done.at);
        let counted = last.map_or(until, |done| done.at);
        let until = last.map_or(until, |done| if done.first { done.at - 1 } else { done.at });
        let passed_on = if self.late_before < 2 { "reassign" } else { "stop" };
        // Minutes of the clock: 2 h to acknowledge, 1 h before 4 h, 4 h, and 1, 2 and 6 h after that.
        let marks = [
            ("acknowledge_breach", 120),
            ("remind", 180),
            ("breach", 240),
            ("alert_owner", 300),
            ("alert_manager", 360),
            (passed_on, 600),
        ];
        let (mut spent, mut reached) = (0, Vec::new());
        for minute in self.from..counted {
            if self.counts(minute, hours) {
                spent += 1;
                reached.extend(marks.iter().filter(|mark| mark.1 == spent).map(|mark| (mark.0, minute + 1)));
            }
        }
        let breach = reached.iter().find(|due| due.0 == "breach").map(|due| due.1);
        let answered =
            |at: Minute| acknowledged.is_some_and(|done| done.at < at || done.at == at && done.first);
        let mut steps = Vec::new();
        for (step, at) in reached.into_iter().filter(|due| due.1 <= until) {
            // Nobody is reminded of a deadline that has passed by the time that it can be said.
            let pointless = step == "remind" && breach.is_some_and(|breach| breach <= hours.served(at));
            if step == "acknowledge_breach" && answered(at) || pointless {
                continue;
            }
            steps.push((step, at));
            if step == "reassign" {
                return (steps, Some(("late", hours.served(at))));
            }
        }
        (steps, closed.and_then(|done| Some((closing(&done.deed)?, done.at))))
    }
}

#[test]
fn the_model_counts_what_a_person_would() {
    // Spring: Berlin is an hour ahead.
    let season = world::season(0);
    let ada = world::founders()["ada"].calendar;
    let hours = |away: Vec<Away>| Hours {
        season,
        calendars: [("ada", vec![(0, ada)])].into(),
        away,
        outages: vec![(2 * world::DAY, 2 * world::DAY + 60)],
    };
    // Monday 16:00 to 17:00 in Berlin, and Tuesday 9:00 to 12:00 but for a day away.
    let acknowledged = Done { at: 15 * 60 + 10, deed: Deed::Acknowledge, first: false };
    let turn = Turn {
        owner: "ada".to_owned(),
        from: 15 * 60,
        business: true,
        deeds: vec![acknowledged],
        late_before: 0,
    };
    let tuesday = world::DAY + 8 * 60;
    let (steps, end) = turn.course(&hours(Vec::new()), tuesday + 240);
    assert_eq!(steps, [("remind", tuesday + 120), ("breach", tuesday + 180), ("alert_owner", tuesday + 240)]);
    assert_eq!(end, None);
    let away = || vec![Away { rep: "ada", from: world::DAY, to: 2 * world::DAY, cover: None }];
    let (steps, _) = turn.course(&hours(away()), 3 * world::DAY);
    assert_eq!(steps[0], ("remind", 2 * world::DAY + 8 * 60 + 120));
    let silent = Turn { business: false, deeds: Vec::new(), ..turn.clone() };
    assert_eq!(silent.course(&hours(away()), 3 * world::DAY).1, Some(("late", 15 * 60 + 600)));
    // An hour's question moves all that comes after it.
    let asked = [(15 * 60, Deed::Ask), (16 * 60, Deed::Answer)];
    let asked = asked.map(|(at, deed)| Done { at, deed, first: false });
    let asking = Turn { deeds: asked.into(), business: false, ..turn };
    assert_eq!(asking.course(&hours(Vec::new()), 3 * world::DAY).0[0], ("remind", 16 * 60 + 180));
    assert!(!hours(Vec::new()).season.open(ada, 13 * world::DAY), "a Sunday");
}

#[test]
fn clocks_of_two_zones_change_on_their_own_days() {
    for (seed, weeks) in [(0, [10, 9, 9]), (1, [9, 9, 10])] {
        let (season, overseas) = (world::season(seed), world::founders()["cleo"].calendar);
        // The hour of UTC in which work begins overseas, on the Mondays of the first, third and fifth week.
        let opening = |week: Minute| {
            let midnight = week * 7 * world::DAY;
            (0..world::DAY).find(|minute| season.open(overseas, midnight + minute)).unwrap() / 60
        };
        assert_eq!([0, 2, 4].map(opening), weeks, "seed {seed}");
    }
}
