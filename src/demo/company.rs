//! The accounts: names, sizes, people, all invented.

use std::collections::BTreeSet;

use super::archetype::{Archetype, TABLE};
use super::dice::Dice;
use super::{COHORT_TICKS, ID_PREFIX};

/// An account of the demo.
#[derive(Debug, Clone)]
pub struct Company {
    pub id: String,
    pub name: String,
    pub domain: String,
    pub industry: &'static str,
    pub country: &'static str,
    pub territory: &'static str,
    pub employees: u64,
    pub seats: u64,
    pub owner: &'static str,
    /// The partner of the company's story.
    pub partner: &'static str,
    pub archetype: Archetype,
    /// The tick of its cohort in which its story begins to be told live.
    pub first_beat_tick: u64,
    /// For everything else that is left to chance.
    pub dice_seed: u64,
}

const FIRST: [&str; 44] = [
    "Alder", "Amber", "Arbor", "Beacon", "Birch", "Bluefin", "Bright", "Cedar", "Clear", "Cobalt", "Copper",
    "Coral", "Crescent", "Delta", "Drift", "Ember", "Fern", "Flint", "Granite", "Harbor", "Hazel", "Helio",
    "Indigo", "Iron", "Juniper", "Kestrel", "Lark", "Linden", "Lumen", "Maple", "Meridian", "Mosaic",
    "North", "Opal", "Orchard", "Pioneer", "Quarry", "Raven", "Sable", "Silver", "Summit", "Tidal",
    "Verdant", "Willow",
];
const SECOND: [&str; 22] = [
    "Analytics",
    "Biotech",
    "Capital",
    "Care",
    "Dynamics",
    "Energy",
    "Foods",
    "Freight",
    "Games",
    "Health",
    "Hospitality",
    "Insurance",
    "Labs",
    "Learning",
    "Logistics",
    "Media",
    "Motors",
    "Networks",
    "Retail",
    "Robotics",
    "Systems",
    "Travel",
];
/// The industry that goes with each second part of a name.
const INDUSTRY: [&str; 22] = [
    "Software",
    "Biotechnology",
    "Financial services",
    "Healthcare",
    "Manufacturing",
    "Energy",
    "Food",
    "Logistics",
    "Gaming",
    "Healthcare",
    "Hospitality",
    "Insurance",
    "Software",
    "Education",
    "Logistics",
    "Media",
    "Automotive",
    "Telecommunications",
    "Retail",
    "Manufacturing",
    "Software",
    "Travel",
];
const PLACES: [(&str, &str); 9] = [
    ("US", "AMER-West"),
    ("US", "AMER-East"),
    ("CA", "AMER-East"),
    ("GB", "EMEA-North"),
    ("DE", "EMEA-Central"),
    ("FR", "EMEA-South"),
    ("NL", "EMEA-Central"),
    ("AU", "APAC"),
    ("SG", "APAC"),
];
/// The reps; each owns the accounts of some territory.
const OWNERS: [&str; 6] = ["rep-ana", "rep-bruno", "rep-chen", "rep-dara", "rep-elif", "rep-farid"];
const PARTNERS: [&str; 6] = ["aws", "salesforce", "snowflake", "azure", "gcp", "hubspot"];

/// People, for contacts and activities.
pub const PEOPLE: [(&str, &str); 16] = [
    ("Maya", "Okafor"),
    ("Jonas", "Lind"),
    ("Priya", "Raman"),
    ("Tom", "Becker"),
    ("Lucia", "Marques"),
    ("Noah", "Whitfield"),
    ("Aiko", "Tanaka"),
    ("Omar", "Haddad"),
    ("Elena", "Petrova"),
    ("Sam", "Doyle"),
    ("Ines", "Carvalho"),
    ("Liam", "Novak"),
    ("Grace", "Mensah"),
    ("Hugo", "Lefevre"),
    ("Nadia", "Khan"),
    ("Felix", "Brandt"),
];
pub const TITLES: [&str; 6] =
    ["VP Operations", "Head of IT", "CFO", "Director of Planning", "Operations Manager", "CTO"];

/// The companies of a cohort: the first is whom the demo begins with, each later one is smaller and new.
pub fn cohort(seed: u64, number: u64) -> Vec<Company> {
    let mut names = Names { taken: BTreeSet::new(), suffix: number };
    let mut companies = Vec::new();
    for (row, entry) in TABLE.iter().enumerate() {
        let count = if number == 0 { entry.count } else { entry.newcomers };
        for place in 0..count {
            let mut dice = Dice::of(seed, &[number, row as u64, place as u64]);
            companies.push(company(&mut dice, &mut names, entry.archetype, (row, place, count)));
        }
    }
    companies
}

/// Names already given.
struct Names {
    taken: BTreeSet<(usize, usize)>,
    /// The number of the cohort: later cohorts have it in their ids, so that they cannot meet the first.
    suffix: u64,
}

impl Names {
    fn fresh(&mut self, dice: &mut Dice) -> (usize, usize) {
        loop {
            let first = usize::try_from(dice.between(0, FIRST.len() as u64 - 1)).unwrap_or_default();
            let second = usize::try_from(dice.between(0, SECOND.len() as u64 - 1)).unwrap_or_default();
            // 968 names for at most 120 companies: a free one is found soon.
            if self.taken.insert((first, second)) {
                return (first, second);
            }
        }
    }
}

fn company(
    dice: &mut Dice,
    names: &mut Names,
    archetype: Archetype,
    (row, place, count): (usize, usize, usize),
) -> Company {
    let (first, second) = names.fresh(dice);
    let slug = format!("{}-{}", FIRST[first].to_lowercase(), SECOND[second].to_lowercase());
    let (id, name, domain) = if names.suffix == 0 {
        (
            format!("{ID_PREFIX}{slug}"),
            format!("{} {}", FIRST[first], SECOND[second]),
            format!("{}.example", slug.replace('-', "")),
        )
    } else {
        (
            format!("{ID_PREFIX}{slug}-{}", names.suffix),
            // The id keeps the whole number; for the eye its end is enough.
            format!("{} {} {}", FIRST[first], SECOND[second], names.suffix % 1_000),
            format!("{}{}.example", slug.replace('-', ""), names.suffix),
        )
    };
    let (employees, seats) = size(dice, archetype);
    let (country, territory) = *dice.pick(&PLACES);
    Company {
        id,
        name,
        domain,
        industry: INDUSTRY[second],
        country,
        territory,
        employees,
        seats,
        owner: dice.pick::<&str>(&OWNERS),
        partner: dice.pick::<&str>(&PARTNERS),
        archetype,
        first_beat_tick: first_beat(row, place, count),
        dice_seed: dice.between(0, u64::MAX - 1),
    }
}

/// The first company of every archetype acts within the first minute, the others follow evenly; the last beat
/// of the last one still lies within the cohort.
fn first_beat(row: usize, place: usize, count: usize) -> u64 {
    let last = COHORT_TICKS - 120;
    12 + row as u64 * 3 + place as u64 * last / count.max(1) as u64
}

fn size(dice: &mut Dice, archetype: Archetype) -> (u64, u64) {
    use Archetype as A;
    match archetype {
        A::LargeWithPartner | A::PartnerSyncLate => (dice.between(2_400, 30_000), dice.between(200, 600)),
        A::PilotAtGiant => (dice.between(3_000, 60_000), dice.between(20, 45)),
        A::StaleCrm => (dice.between(2_200, 12_000), dice.between(80, 200)),
        A::LevelledOff | A::InNegotiation | A::NoConsent => (dice.between(220, 1_900), dice.between(60, 180)),
        A::DealOnItsWay => (dice.between(220, 900), dice.between(50, 90)),
        A::ReadyToExpand
        | A::FreshSignup
        | A::Referred
        | A::AskedForQuiet
        | A::NoSelfServe
        | A::TouchedTwice
        | A::TugOfWar
        | A::InTrouble
        | A::Quiet => (dice.between(15, 180), dice.between(12, 45)),
    }
}
