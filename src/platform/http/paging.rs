//! Lists in pages: `?limit` and `?cursor` in, `{data, nextCursor}` out.
//!
//! Promises: a page holds 1–200 rows (50 unless asked); the cursor is opaque, carries the sort key of the last row
//! and a version, and stays valid while rows come and go, because it names a place and not a row. Leaves out: the
//! query itself; a list sorts by a unique key and asks for what lies beyond it.
//!
//! ```ignore
//! async fn list(Paged { filter, page }: Paged<Filter>) -> Result<Json<Page<Wire>>, Problem> {
//!     let after: Option<(DateTime, Uuid)> = page.after()?;
//!     let rows = store::list(&pool, &filter, after, page.fetch()).await?;   // fetch() = limit + 1
//!     Ok(Json(page.cut(rows, |row| (row.at, row.id), Wire::from)))
//! }
//! ```

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract;
use super::problem::{Fault, Problem};

/// Rows of a page when the caller does not say.
const LIMIT_DEFAULT: u32 = 50;
/// Most rows of a page.
const LIMIT_MAX: u32 = 200;
/// First character of every cursor; another one is a cursor of another release.
const VERSION: u8 = b'1';

/// The parameters of every list, for the `OpenAPI` document (`params(PageParams)`).
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Rows per page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// Where the previous page ended: its `nextCursor`.
    pub cursor: Option<String>,
}

/// What part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    limit: u32,
    cursor: Option<String>,
}

/// A filter struct `F` and the page: the query of a list.
#[derive(Debug, Clone)]
pub struct Paged<F> {
    /// The filters.
    pub filter: F,
    /// Which page.
    pub page: PageRequest,
}

/// For lists without filters.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct NoFilter {}

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where the next page begins; null on the last one.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

impl PageRequest {
    /// The first page of the usual size.
    pub fn first() -> Self {
        Self { limit: LIMIT_DEFAULT, cursor: None }
    }

    /// Rows to fetch: one more than the page holds, which tells whether there is a next page.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The sort key of the last row of the previous page; nothing on the first page.
    ///
    /// # Errors
    /// 400 `invalid_query` when the cursor is not one that this list gave out.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        let read = |text: &String| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (version, key) = bytes.split_first()?;
            (*version == VERSION).then(|| serde_json::from_slice(key).ok())?
        };
        match &self.cursor {
            None => Ok(None),
            Some(text) => read(text).map(Some).ok_or_else(|| {
                let detail = "is not a nextCursor of this list; start again without it";
                extract::invalid_query(vec![Fault::new("query:cursor", detail)])
            }),
        }
    }

    /// Cuts the fetched rows to the page and shows them; `key` is the sort key of a row.
    pub fn cut<R, K: Serialize, T>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> K,
        show: impl FnMut(R) -> T,
    ) -> Page<T> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).and_then(|row| cursor(&key(row)));
        Page { data: rows.into_iter().map(show).collect(), next_cursor }
    }
}

/// The cursor that stands for a sort key. A key that is no JSON gives none, which ends the list early rather than
/// failing it; keys are tuples of plain values.
fn cursor(key: &impl Serialize) -> Option<String> {
    let mut bytes = vec![VERSION];
    serde_json::to_writer(&mut bytes, key).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

impl<S: Send + Sync, F: DeserializeOwned> FromRequestParts<S> for Paged<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let (paging, rest): (Vec<_>, Vec<_>) =
            extract::pairs(parts)?.into_iter().partition(|(name, _)| name == "limit" || name == "cursor");
        let (page, filter) = (read_page(paging), extract::filters(rest));
        match (page, filter) {
            (Ok(page), Ok(filter)) => Ok(Self { filter, page }),
            (Err(page), Err(filter)) => Err(page.faults(filter.errors().to_vec())),
            (Err(problem), _) | (_, Err(problem)) => Err(problem),
        }
    }
}

fn read_page(pairs: Vec<(String, String)>) -> Result<PageRequest, Problem> {
    let params: PageParams = extract::filters(pairs)?;
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let fault = Fault::new("query:limit", format!("must be from 1 to {LIMIT_MAX}"));
        return Err(extract::invalid_query(vec![fault]));
    }
    Ok(PageRequest { limit, cursor: params.cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(query: &str) -> Result<Paged<NoFilter>, Problem> {
        let request = axum::http::Request::builder().uri(format!("/x?{query}")).body(()).unwrap();
        Paged::from_request_parts(&mut request.into_parts().0, &()).await
    }

    #[tokio::test]
    async fn pages_join_without_gap_or_repeat() {
        let all: Vec<u32> = (0..7).collect();
        let (mut seen, mut query) = (Vec::new(), "limit=3".to_owned());
        loop {
            let page = ask(&query).await.unwrap().page;
            let after: Option<u32> = page.after().unwrap();
            let rows = all.iter().copied().filter(|n| after.is_none_or(|last| *n > last));
            let rows = rows.take(usize::try_from(page.fetch()).unwrap()).collect();
            let page = page.cut(rows, |n| *n, |n| n);
            seen.extend(page.data);
            match page.next_cursor {
                Some(cursor) => query = format!("limit=3&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, all);
    }

    #[tokio::test]
    async fn limits_and_cursors_that_cannot_be_are_refused() {
        for query in ["limit=0", "limit=201", "limit=x", "limit=1&limit=2", "page=2"] {
            let problem = ask(query).await.unwrap_err();
            assert_eq!(problem.code(), "invalid_query", "{query}");
        }
        for cursor in ["!!", "eA", "MSJhIg"] {
            let page = ask(&format!("cursor={cursor}")).await.unwrap().page;
            assert_eq!(page.after::<u32>().unwrap_err().errors()[0].pointer, "query:cursor", "{cursor}");
        }
        let both = ask("limit=0&colour=red").await.unwrap_err();
        assert_eq!(both.errors().len(), 2, "{both:?}");
    }
}
