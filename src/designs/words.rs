//! Figures as people read them: shares, times, counts.

/// A share of 0–1 in whole percent; with a decimal where a whole one would say all or nothing.
pub fn percent(share: f64) -> String {
    let hundred = share * 100.0;
    let whole = hundred.round();
    let told_wrong = (whole >= 100.0 && share < 1.0) || (whole <= 0.0 && share > 0.0);
    // Nothing has no sign: a hair below it would be told as `-0`.
    let shown = if whole == 0.0 { 0.0 } else { whole };
    if told_wrong { format!("{hundred:.1} %") } else { format!("{shown:.0} %") }
}

/// Two shares as a range, `71–78 %`.
pub fn percents(low: f64, high: f64) -> String {
    let (low, high) = (percent(low), percent(high));
    if low == high { low } else { format!("{}–{high}", low.trim_end_matches(" %")) }
}

/// A length in seconds: `1 h 20 min`, `45 s`, `2 d 3 h`.
pub fn span(secs: f64) -> String {
    if !secs.is_finite() {
        return "without end".to_owned();
    }
    if secs < 59.5 {
        return format!("{:.0} s", secs.max(0.0));
    }
    let minutes = (secs / 60.0).round();
    let (days, hours, rest) =
        ((minutes / 1_440.0).floor(), (minutes % 1_440.0 / 60.0).floor(), minutes % 60.0);
    // Two neighbours are exact enough: nobody needs the minutes of days.
    let parts = if days > 0.0 { [(days, "d"), (hours, "h")] } else { [(hours, "h"), (rest, "min")] };
    let told = parts.into_iter().filter(|(count, _)| *count > 0.0);
    told.map(|(count, unit)| format!("{count:.0} {unit}")).collect::<Vec<_>>().join(" ")
}

/// A number with at most one decimal.
pub fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.trim_end_matches(".0").to_owned()
}

/// `8 weeks`; less than one is said to be.
pub fn weeks(count: f64) -> String {
    match number(count).as_str() {
        _ if count < 1.0 => "less than a week".to_owned(),
        "1" => "1 week".to_owned(),
        weeks => format!("{weeks} weeks"),
    }
}

/// `1 rep`, `3 reps`.
pub fn reps(count: u32) -> String {
    if count == 1 { "1 rep".to_owned() } else { format!("{count} reps") }
}

/// Parts of names that have a spelling of their own.
const SPELLINGS: [(&str, &str); 12] = [
    ("abm", "ABM"),
    ("ae", "AE"),
    ("crm", "CRM"),
    ("cro", "CRO"),
    ("cs", "CS"),
    ("csm", "CSM"),
    ("mql", "MQL"),
    ("plg", "PLG"),
    ("revops", "RevOps"),
    ("sdr", "SDR"),
    ("smb", "SMB"),
    ("sql", "SQL"),
];

fn spelling(word: &str) -> Option<&'static str> {
    SPELLINGS.iter().find(|(part, _)| *part == word).map(|(_, spelled)| *spelled)
}

/// A name in the code within a sentence: `mql_to_sales` is `MQL to sales`.
pub fn spelled(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    words.map(|word| spelling(word).unwrap_or(word)).collect::<Vec<_>>().join(" ")
}

/// A name in the code as the title of a person: `marketing_manager` is `Marketing Manager`.
pub fn role_title(name: &str) -> String {
    let capital = |word: &str| {
        spelling(word).map_or_else(
            || {
                let mut chars = word.chars();
                let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
                first + chars.as_str()
            },
            str::to_owned,
        )
    };
    name.split('_').filter(|word| !word.is_empty()).map(capital).collect::<Vec<_>>().join(" ")
}

/// A text without marks of code and with the names in it spelled out; fields, which have dots, stay as one writes them.
pub fn readable(text: &str) -> String {
    let is_name = |word: &str| {
        word.split('_').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()))
            && (word.contains('_') || spelling(word).is_some())
    };
    let word = |word: &str| {
        let bare = word.replace('`', "");
        let end = bare.trim_end_matches([',', ';', ':', '.']).len();
        let (name, rest) = bare.split_at(end);
        if is_name(name) { format!("{}{rest}", spelled(name)) } else { bare }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_say_them() {
        let shares = [
            (0.713, "71 %"),
            (1.0, "100 %"),
            (0.9996, "100.0 %"),
            (0.0, "0 %"),
            (-1e-17, "0 %"),
            (0.002, "0.2 %"),
        ];
        for (share, told) in shares {
            assert_eq!(percent(share), told);
        }
        assert_eq!([weeks(0.01), weeks(1.0), weeks(8.0)], ["less than a week", "1 week", "8 weeks"]);
        let names = [("mql_to_sales", "MQL to sales"), ("customer_success", "customer success")];
        for (name, told) in names {
            assert_eq!(spelled(name), told);
        }
        assert_eq!(role_title("revops_manager"), "RevOps Manager");
        assert_eq!(
            readable("`mql_to_sales`, by `qualification.score` of lifecycle mql; the rest"),
            "MQL to sales, by qualification.score of lifecycle MQL; the rest"
        );
        assert_eq!((percents(0.71, 0.78).as_str(), percents(0.5, 0.5).as_str()), ("71–78 %", "50 %"));
        let spans = [
            (0.0, "0 s"),
            (45.0, "45 s"),
            (59.6, "1 min"),
            (4_800.0, "1 h 20 min"),
            (7_200.0, "2 h"),
            (183_600.0, "2 d 3 h"),
            (173_220.0, "2 d"),
            (f64::INFINITY, "without end"),
        ];
        for (secs, told) in spans {
            assert_eq!(span(secs), told);
        }
        assert_eq!((number(12.34).as_str(), number(3.0).as_str(), reps(1).as_str()), ("12.3", "3", "1 rep"));
    }
}
