//! The launcher against a real server.
