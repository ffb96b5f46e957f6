//! Company names in the form in which they can be compared.
//!
//! Promises: letter case, accents, punctuation, legal form and a leading article make no difference; a name
//! that consists of nothing else keeps what it has.
//! Leaves out: accents beyond the Latin alphabets; other scripts are compared as they are.

/// Legal forms and their like, as they stand at the end of a name after normalisation.
const LEGAL_FORMS: [&str; 56] = [
    "ab",
    "ag",
    "aps",
    "as",
    "asa",
    "bhd",
    "bv",
    "bvba",
    "co",
    "company",
    "corp",
    "corporation",
    "doo",
    "ev",
    "eg",
    "ek",
    "eood",
    "gmbh",
    "hf",
    "inc",
    "incorporated",
    "jsc",
    "kft",
    "kg",
    "kgaa",
    "kk",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "mbh",
    "nv",
    "ood",
    "oy",
    "oyj",
    "ohg",
    "plc",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sarl",
    "sas",
    "sasu",
    "se",
    "sdn",
    "sl",
    "slu",
    "spa",
    "spzoo",
    "srl",
    "sro",
    "ug",
    "zrt",
];

/// The words of a text in lower case, without accents and punctuation.
pub fn plain_text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let letters: Vec<char> = text.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        match letter {
            '&' | '+' => plain.push_str(" and "),
            '\'' | '’' | '`' | '´' => {}
            // The dot of an abbreviation (S.A., z o.o.) joins; any other dot parts.
            '.' if is_initial(&letters, at) => {}
            _ if letter.is_alphanumeric() => push_plain(&mut plain, letter),
            // A combining accent belongs to the letter before it.
            '\u{300}'..='\u{36f}' => {}
            _ => plain.push(' '),
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ")
}

/// Whether the dot at a place follows a letter that stands alone.
fn is_initial(letters: &[char], dot: usize) -> bool {
    let before = dot.checked_sub(2).map(|at| letters[at]);
    dot > 0 && letters[dot - 1].is_alphabetic() && before.is_none_or(|c| !c.is_alphanumeric())
}

/// Adds a letter in lower case, without its accent.
fn push_plain(plain: &mut String, letter: char) {
    for letter in letter.to_lowercase() {
        match letter {
            'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => plain.push('a'),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => plain.push('c'),
            'ď' | 'đ' | 'ð' => plain.push('d'),
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => plain.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => plain.push('g'),
            'ĥ' | 'ħ' => plain.push('h'),
            'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => plain.push('i'),
            'ĵ' => plain.push('j'),
            'ķ' => plain.push('k'),
            'ĺ' | 'ļ' | 'ľ' | 'ł' => plain.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => plain.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => plain.push('o'),
            'ŕ' | 'ŗ' | 'ř' => plain.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => plain.push('s'),
            'ţ' | 'ť' | 'ț' => plain.push('t'),
            'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => plain.push('u'),
            'ŵ' => plain.push('w'),
            'ý' | 'ÿ' | 'ŷ' => plain.push('y'),
            'ź' | 'ż' | 'ž' => plain.push('z'),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'ß' => plain.push_str("ss"),
            'þ' => plain.push_str("th"),
            // What lower case leaves of an accented capital in some alphabets.
            '\u{300}'..='\u{36f}' => {}
            _ => plain.push(letter),
        }
    }
}

/// A company's name without what spellings differ in.
pub fn normalise_name(name: &str) -> String {
    let plain = plain_text(name);
    let mut words: Vec<&str> = plain.split(' ').collect();
    if words.len() > 1 && words[0] == "the" {
        words.remove(0);
    }
    while words.len() > 1 {
        let ends_in_form = match words.as_slice() {
            [.., _, "sp", "z", "oo"] => Some(3),
            [.., last] if LEGAL_FORMS.contains(last) => Some(1),
            // "and" is what is left of "& Co."; "com" of a name that is a web address.
            [.., "and" | "com"] => Some(1),
            _ => None,
        };
        match ends_in_form {
            Some(count) if count < words.len() => words.truncate(words.len() - count),
            _ => break,
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_company_come_out_the_same() {
        for (name, normal) in [
            ("Acme, Inc.", "acme"),
            ("ACME Corporation", "acme"),
            ("The Acme Company", "acme"),
            ("Acme GmbH & Co. KG", "acme"),
            ("Acme S.A.", "acme"),
            ("Acme Sp. z o.o.", "acme"),
            ("Société Générale S.A.", "societe generale"),
            ("Socie\u{301}te\u{301} Générale", "societe generale"),
            ("Müller & Söhne AG", "muller and sohne"),
            ("L'Oréal", "loreal"),
            ("Straße-Bau GmbH", "strasse bau"),
            ("Salesforce.com, Inc.", "salesforce"),
            ("AT&T Inc", "at and t"),
            ("日本電気", "日本電気"),
            ("İstanbul Łódź", "istanbul lodz"),
        ] {
            assert_eq!(normalise_name(name), normal, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_nothing_but_form_stays() {
        assert_eq!(normalise_name("Limited"), "limited");
        assert_eq!(normalise_name("The Company"), "company");
        assert_eq!(normalise_name("SE"), "se");
        assert_eq!(normalise_name(" .,- "), "");
    }
}
