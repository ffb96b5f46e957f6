//! The service as its users meet it: scenarios over real sockets and a real Postgres.

mod harness;
mod intake;
mod routing;
