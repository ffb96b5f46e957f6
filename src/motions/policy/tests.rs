//! Policies from the file to the compiled form, and every fault with its place.

use super::*;

#[test]
fn the_built_in_policies_compile_and_are_told_apart() {
    for (name, text) in BUILT_IN {
        let policy = Policy::compile(text, Format::Toml).unwrap_or_else(|faults| {
            panic!("{name}: {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        });
        assert_eq!(policy.name(), name);
    }
}
