//! Machinery that knows no business domain. Each module says what it promises; none names a slice.

pub mod audit;
pub mod db;
pub mod dead;
pub mod http;
pub mod jobs;
pub mod keys;
pub mod lifecycle;
pub mod mode;
pub mod outbox;
pub mod postgres;
pub mod worker;
