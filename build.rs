//! Rebuilds when a migration is added: the files are compiled in, and cargo would not notice a new one.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
