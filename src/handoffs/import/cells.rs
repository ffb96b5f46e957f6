//! What stands in a cell: a text, a number, a yes or no, a list, caps.
//!
//! Promises: an empty cell is nothing; what cannot be read is said together with what could be.

use crate::handoffs::assign::caps::{Cap, Window, WindowKind};

/// What a cell may be read as, or why it cannot be.
pub(super) type Read<T> = Result<T, String>;

pub(super) fn text(cell: &str) -> Option<String> {
    (!cell.is_empty()).then(|| cell.to_owned())
}

/// `a; b` as a and b.
pub(super) fn list(cell: &str) -> Vec<String> {
    cell.split(';').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

pub(super) fn number<T: std::str::FromStr>(cell: &str) -> Read<Option<T>> {
    if cell.is_empty() {
        return Ok(None);
    }
    cell.parse().map(Some).map_err(|_| format!("`{cell}` is no whole number from 0 on, or too large"))
}

pub(super) fn flag(cell: &str) -> Read<bool> {
    match cell.to_lowercase().as_str() {
        "" | "no" | "false" | "0" => Ok(false),
        "yes" | "true" | "1" => Ok(true),
        _ => Err(format!("`{cell}` is neither yes nor no")),
    }
}

/// `5/day; 20/week/rolling`.
pub(super) fn caps(cell: &str) -> Read<Vec<Cap>> {
    list(cell).iter().map(|item| cap(item)).collect()
}

fn cap(text: &str) -> Read<Cap> {
    let parts: Vec<&str> = text.split('/').map(str::trim).collect();
    let read = || {
        let (limit, window, kind) = match parts.as_slice() {
            [limit, window] | [limit, window, "calendar"] => (limit, window, WindowKind::Calendar),
            [limit, window, "rolling"] => (limit, window, WindowKind::Rolling),
            _ => return None,
        };
        let windows = [Window::Hour, Window::Day, Window::Week];
        let window = windows.into_iter().find(|known| known.name() == *window)?;
        Some(Cap { limit: limit.parse().ok()?, window, kind })
    };
    read().ok_or_else(|| {
        format!(
            "`{text}` is no cap: write a number and hour, day or week, such as `5/day` or `20/week/rolling`"
        )
    })
}
