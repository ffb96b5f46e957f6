//! Tables of reps and of territories: which columns there are and what a row says.
//!
//! | table | columns |
//! |---|---|
//! | reps | `id`, `name`, `email`, `team`, `manager`, `calendar`, `pods`, `skills`, `weight`, `capacity`, `caps`, `leaving` |
//! | territories | `id`, `priority`, `teams`, `countries`, `regions`, `industries`, `segments`, `domains`, `employees_min`, `employees_max`, `revenue_min`, `revenue_max`, `rep`, `team`, `pod` |
//!
//! Promises: a table with a column that only reps have is one of reps, else one with a column that only territories have
//! is one of these, and any other is refused. A column that is not there leaves what the entry says; an empty cell clears
//! it. Lists are separated by `;`.

use std::collections::{BTreeMap, BTreeSet};

use super::cells::{self, Read};
use super::table::{self, CellFault, Row};
use crate::handoffs::assign::file::{RepFile, TerritoryFile};
use crate::handoffs::entries::{Entries, Entry, Kind};
use crate::kernel::text::nearest;

const REP: [&str; 12] = [
    "id", "name", "email", "team", "manager", "calendar", "pods", "skills", "weight", "capacity", "caps",
    "leaving",
];
const TERRITORY: [&str; 15] = [
    "id",
    "priority",
    "teams",
    "countries",
    "regions",
    "industries",
    "segments",
    "domains",
    "employees_min",
    "employees_max",
    "revenue_min",
    "revenue_max",
    "rep",
    "team",
    "pod",
];
/// Columns that a new rep cannot do without; that the team is one the check of the roster finds.
const REP_NEEDS: [&str; 2] = ["name", "email"];

/// The row that an entry came from.
pub(super) struct Source {
    pub line: u64,
    columns: BTreeMap<String, usize>,
}

impl Source {
    /// The column, from 1, and its name, that a place in the entry stands in, such as `match.countries[0]`.
    pub(super) fn column(&self, place: &str) -> (u64, String) {
        let bare = place.split('[').next().unwrap_or_default();
        let field = bare.rsplit('.').next().unwrap_or_default();
        let names = [
            field.to_owned(),
            format!("{field}_min"),
            format!("{field}_max"),
            "rep".to_owned(),
            "team".to_owned(),
        ];
        let found = names.into_iter().find_map(|name| self.columns.get_key_value(&name));
        found.map_or((1, field.to_owned()), |(name, at)| (*at as u64 + 1, name.clone()))
    }
}

/// What a table said.
#[derive(Default)]
pub(super) struct Rows {
    pub entries: Vec<(Entry, Source)>,
    pub faults: Vec<CellFault>,
}

/// Reads a table over the entries that there are.
pub(super) fn read(text: &str, present: &Entries) -> Rows {
    let table = table::read(text);
    let has = |name: &str| table.columns.contains_key(name);
    let only = |names: &[&str], others: &[&str]| names.iter().any(|name| has(name) && !others.contains(name));
    let mut read = Rows { entries: Vec::new(), faults: table.faults };
    let kind = match (only(&REP, &TERRITORY), only(&TERRITORY, &REP)) {
        (true, _) => Kind::Rep,
        (false, true) => Kind::Territory,
        (false, false) => {
            let message =
                "the header names no column that only reps or only territories have, such as `name` or `rep`";
            read.faults.push(CellFault::new(1, 0, "", message));
            return read;
        }
    };
    let known: &[&str] = if kind == Kind::Rep { &REP } else { &TERRITORY };
    for (name, at) in table.columns.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a table of {} has {}", kind.list(), known.join(", ")),
        };
        read.faults.push(CellFault::new(1, *at, name, format!("there is no column `{name}`; {hint}")));
    }
    if !has("id") {
        let message = "there is no column `id`, which says whom or what a row is about";
        read.faults.push(CellFault::new(1, 0, "id", message));
        return read;
    }
    let mut seen = BTreeSet::new();
    for row in &table.rows {
        let mut line = Line { row, columns: &table.columns, faults: Vec::new() };
        let id = line.cell("id").unwrap_or_default().to_owned();
        if !seen.insert(id.clone()) {
            line.add("id", format!("`{id}` stands here a second time; names must differ"));
        }
        let entry = match (kind, present.get(kind, &id)) {
            (Kind::Rep, Some(Entry::Rep(rep))) => Entry::Rep(line.rep(rep.clone())),
            (Kind::Rep, _) => {
                line.need(&REP_NEEDS);
                Entry::Rep(line.rep(RepFile { id, ..RepFile::default() }))
            }
            (_, Some(Entry::Territory(territory))) => Entry::Territory(line.territory(territory.clone())),
            (_, _) => Entry::Territory(line.territory(TerritoryFile { id, ..TerritoryFile::default() })),
        };
        read.faults.extend(line.faults);
        read.entries.push((entry, Source { line: row.line, columns: table.columns.clone() }));
    }
    read
}

/// A row that is being read.
struct Line<'t> {
    row: &'t Row,
    columns: &'t BTreeMap<String, usize>,
    faults: Vec<CellFault>,
}

impl<'t> Line<'t> {
    fn cell(&self, column: &str) -> Option<&'t str> {
        self.columns.get(column).and_then(|at| self.row.cells.get(*at)).map(String::as_str)
    }

    fn add(&mut self, column: &str, message: String) {
        let at = self.columns.get(column).copied().unwrap_or_default();
        self.faults.push(CellFault::new(self.row.line, at, column, message));
    }

    fn need(&mut self, columns: &[&str]) {
        for column in columns {
            if self.cell(column).unwrap_or_default().is_empty() {
                self.add(column, format!("a new rep needs `{column}`"));
            }
        }
    }

    /// Sets a field where there is a column for it.
    fn set<T>(&mut self, column: &str, field: &mut T, read: impl FnOnce(&str) -> Read<T>) {
        match self.cell(column).map(read) {
            None => {}
            Some(Ok(value)) => *field = value,
            Some(Err(message)) => self.add(column, message),
        }
    }

    fn rep(&mut self, mut rep: RepFile) -> RepFile {
        self.set("name", &mut rep.name, |cell| Ok(cell.to_owned()));
        self.set("email", &mut rep.email, |cell| Ok(cell.to_owned()));
        self.set("team", &mut rep.team, |cell| Ok(cell.to_owned()));
        self.set("manager", &mut rep.manager, |cell| Ok(cells::text(cell)));
        self.set("calendar", &mut rep.calendar, |cell| Ok(cells::text(cell)));
        self.set("pods", &mut rep.pods, |cell| Ok(cells::list(cell)));
        self.set("skills", &mut rep.skills, |cell| Ok(cells::list(cell)));
        self.set("weight", &mut rep.weight, cells::number);
        self.set("capacity", &mut rep.capacity, cells::number);
        self.set("caps", &mut rep.caps, cells::caps);
        self.set("leaving", &mut rep.leaving, cells::flag);
        rep
    }

    fn territory(&mut self, mut territory: TerritoryFile) -> TerritoryFile {
        self.set("priority", &mut territory.priority, |cell| Ok(cells::number(cell)?.unwrap_or_default()));
        self.set("teams", &mut territory.teams, |cell| Ok(cells::list(cell)));
        let matches = &mut territory.matches;
        self.set("countries", &mut matches.countries, |cell| Ok(cells::list(cell)));
        self.set("regions", &mut matches.regions, |cell| Ok(cells::list(cell)));
        self.set("industries", &mut matches.industries, |cell| Ok(cells::list(cell)));
        self.set("segments", &mut matches.segments, |cell| Ok(cells::list(cell)));
        self.set("domains", &mut matches.domains, |cell| Ok(cells::list(cell)));
        self.set("employees_min", &mut matches.employees.min, cells::number);
        self.set("employees_max", &mut matches.employees.max, cells::number);
        self.set("revenue_min", &mut matches.revenue.min, cells::number);
        self.set("revenue_max", &mut matches.revenue.max, cells::number);
        self.set("rep", &mut territory.to.rep, |cell| Ok(cells::text(cell)));
        self.set("team", &mut territory.to.team, |cell| Ok(cells::text(cell)));
        self.set("pod", &mut territory.to.pod, |cell| Ok(cells::text(cell)));
        territory
    }
}
