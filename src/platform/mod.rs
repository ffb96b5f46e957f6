//! Machinery that knows no business domain. Each module says what it promises; none names a slice.

pub mod db;
pub mod postgres;
