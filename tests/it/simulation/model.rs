//! What must have happened in a simulated world, worked out from what people did: minute by minute, without the service's
//! clocks and calendars.

use super::world::{self, Deed, Minute};

/// From when to when somebody was away.
#[derive(Debug, Clone)]
pub struct Away {
    pub rep: &'static str,
    pub from: Minute,
    pub to: Minute,
}

/// One turn with a handoff, as it went.
#[derive(Debug, Clone)]
pub struct Turn {
    pub owner: String,
    pub from: Minute,
    /// By the wall, or by working time.
    pub business: bool,
    /// What people did in it, with the minute.
    pub deeds: Vec<(Minute, Deed)>,
    /// How often time had run out in a row before.
    pub late_before: u8,
}

/// A step that must have happened, and when.
pub type Due = (&'static str, Minute);

/// How a turn ends: by what, and when. None: it still runs.
pub type End = Option<(&'static str, Minute)>;

impl Turn {
    fn counts(&self, minute: Minute, away: &[Away]) -> bool {
        !self.business
            || world::open(minute)
                && world::at_work(world::rep(&self.owner), minute)
                && !away.iter().any(|one| one.rep == self.owner && (one.from..one.to).contains(&minute))
    }

    /// The first deed that ends the turn, or the contact.
    fn first(&self, wanted: impl Fn(&Deed) -> bool) -> Option<Minute> {
        self.deeds.iter().find(|(_, deed)| wanted(deed)).map(|(minute, _)| *minute)
    }

    /// The steps of the turn up to a minute, in order, and how it ended. What falls due in the minute in which somebody
    /// does something comes first.
    pub fn course(&self, away: &[Away], until: Minute) -> (Vec<Due>, End) {
        let contact = self.first(|deed| matches!(deed, Deed::Contact | Deed::Meeting | Deed::Convert));
        let acknowledged = self.first(|deed| *deed == Deed::Acknowledge);
        let closed = self.deeds.iter().find_map(|(minute, deed)| match deed {
            Deed::Convert | Deed::Lose => Some(("closed", *minute)),
            Deed::Reject => Some(("rejected", *minute)),
            Deed::Cancel => Some(("cancelled", *minute)),
            _ => None,
        });
        let last = [contact, closed.map(|end| end.1), Some(until)].into_iter().flatten().min().unwrap();
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
        let (mut spent, mut steps) = (0, Vec::new());
        for minute in self.from..last {
            if !self.counts(minute, away) {
                continue;
            }
            spent += 1;
            let at = minute + 1;
            for (step, _) in marks.iter().filter(|mark| mark.1 == spent) {
                if *step == "acknowledge_breach" && acknowledged.is_some_and(|acknowledged| acknowledged < at)
                {
                    continue;
                }
                steps.push((*step, at));
                if *step == "reassign" {
                    return (steps, Some(("late", at)));
                }
            }
        }
        (steps, closed.filter(|end| end.1 <= until))
    }
}

#[test]
fn the_model_counts_what_a_person_would() {
    // Monday 16:00 to 17:00, and Tuesday 9:00 to 12:00 but for a day away.
    let turn = Turn {
        owner: "ada".to_owned(),
        from: 16 * 60,
        business: true,
        deeds: vec![(16 * 60 + 10, Deed::Acknowledge)],
        late_before: 0,
    };
    let tuesday = world::DAY + 9 * 60;
    let (steps, end) = turn.course(&[], tuesday + 240);
    assert_eq!(steps, [("remind", tuesday + 120), ("breach", tuesday + 180), ("alert_owner", tuesday + 240)]);
    assert_eq!(end, None);
    let away = [Away { rep: "ada", from: world::DAY, to: 2 * world::DAY }];
    assert_eq!(turn.course(&away, 3 * world::DAY).0[0], ("remind", 2 * world::DAY + 9 * 60 + 120));
    let silent = Turn { business: false, deeds: Vec::new(), ..turn };
    assert_eq!(silent.course(&away, 3 * world::DAY).1, Some(("late", 16 * 60 + 600)));
}
