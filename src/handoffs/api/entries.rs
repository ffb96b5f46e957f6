//! What all kinds of roster entries have in common over HTTP: list, read, put, remove.
//!
//! Promises: an entry is read as it is put, so that what was read can be changed and put back; it carries an `ETag`, and
//! a change to one that exists needs `If-Match`. A fault in what was sent points there; one elsewhere on the roster,
//! which the edit would cause, says where it is.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::handoffs::commands::Handoffs;
use crate::handoffs::entries::{Entry, Key, Kind};
use crate::platform::http::{Page, PageRequest, Precondition, Problem, Tagged};

pub(super) async fn page(
    handoffs: &Handoffs,
    kind: Kind,
    page: &PageRequest,
) -> Result<Page<Entry>, Problem> {
    // The kind keeps cursors of other lists out.
    let after: Option<Key> = page.after()?;
    let rows = handoffs.entries(kind, after.map(|key| key.1), page.fetch()).await?;
    Ok(page.cut(rows, Entry::key, |entry| entry))
}

pub(super) async fn put(
    handoffs: &Handoffs,
    entry: Entry,
    id: &str,
    precondition: &Precondition,
    by: &str,
) -> Result<Response, Problem> {
    let put = handoffs.put_entry(entry, id, precondition, by).await?;
    let status = if put.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Tagged { tag: put.tag, body: put.entry }).into_response())
}

/// The four operations of one kind of entry. `$path` leads to one entry, `$list` to all.
macro_rules! operations {
    (
        $kind:ident of $file:ident, one $one:literal, all $all:literal,
        list $list:literal as $list_id:literal, path $path:literal as $read_id:literal, $put_id:literal, $remove_id:literal,
        id $id:literal
    ) => {
        use axum::extract::State;
        use axum::http::StatusCode;
        use axum::response::Response;

        use super::entries;
        use crate::handoffs::assign::file::$file;
        use crate::handoffs::assign::names::EntryId;
        use crate::handoffs::commands::Handoffs;
        use crate::handoffs::entries::{Entry, Kind};
        use crate::platform::http::{
            Json, NoFilter, Page, PageParams, Paged, Path, Precondition, Problem, ProblemDocument, Scoped, scope,
        };

        #[doc = concat!("List ", $all)]
        #[utoipa::path(
            get, path = $list, tag = "roster", operation_id = $list_id,
            security(("api_key" = ["config:read"])),
            params(PageParams),
            responses((status = 200, body = Page<$file>, description = "By id."))
        )]
        pub async fn list(
            State(handoffs): State<Handoffs>,
            _caller: Scoped<scope::ConfigRead>,
            Paged { page, .. }: Paged<NoFilter>,
        ) -> Result<Json<Page<Entry>>, Problem> {
            Ok(Json(entries::page(&handoffs, Kind::$kind, &page).await?))
        }

        #[doc = concat!("Read ", $one)]
        #[utoipa::path(
            get, path = $path, tag = "roster", operation_id = $read_id,
            security(("api_key" = ["config:read"])),
            params(("id" = String, Path, description = $id)),
            responses(
                (status = 200, body = $file, description = "As it is put, with its ETag."),
                (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is none with this id."),
            )
        )]
        pub async fn read(
            State(handoffs): State<Handoffs>,
            _caller: Scoped<scope::ConfigRead>,
            Path(id): Path<EntryId>,
            precondition: Precondition,
        ) -> Result<Response, Problem> {
            precondition.answer(handoffs.entry(Kind::$kind, id.as_str()).await?)
        }

        #[doc = concat!("Put ", $one)]
        ///
        /// The whole of it, in the place of what was there. A change needs `If-Match`; something new does not. The roster must
        /// hold together with it; all faults are named. Whoever is in a pool may be edited at will: no account of the
        /// rotation changes.
        #[utoipa::path(
            put, path = $path, tag = "roster", operation_id = $put_id,
            security(("api_key" = ["config:write"])),
            params(("id" = String, Path, description = $id)),
            request_body = $file,
            responses(
                (status = 200, body = $file, description = "Changed."),
                (status = 201, body = $file, description = "New."),
                (status = 412, body = ProblemDocument, content_type = "application/problem+json", description = "It has changed since it was read."),
                (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
                (status = 428, body = ProblemDocument, content_type = "application/problem+json", description = "If-Match is missing."),
            )
        )]
        pub async fn put(
            State(handoffs): State<Handoffs>,
            caller: Scoped<scope::ConfigWrite>,
            Path(id): Path<EntryId>,
            precondition: Precondition,
            Json(body): Json<$file>,
        ) -> Result<Response, Problem> {
            entries::put(&handoffs, Entry::$kind(body), id.as_str(), &precondition, &caller.actor()).await
        }

        #[doc = concat!("Remove ", $one)]
        ///
        /// Nothing else may name it any more. Needs `If-Match`.
        #[utoipa::path(
            delete, path = $path, tag = "roster", operation_id = $remove_id,
            security(("api_key" = ["config:write"])),
            params(("id" = String, Path, description = $id)),
            responses(
                (status = 204, description = "It is gone."),
                (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is none with this id."),
                (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "Something still needs it; all reasons are named."),
                (status = 412, body = ProblemDocument, content_type = "application/problem+json", description = "It has changed since it was read."),
                (status = 428, body = ProblemDocument, content_type = "application/problem+json", description = "If-Match is missing."),
            )
        )]
        pub async fn remove(
            State(handoffs): State<Handoffs>,
            caller: Scoped<scope::ConfigWrite>,
            Path(id): Path<EntryId>,
            precondition: Precondition,
        ) -> Result<StatusCode, Problem> {
            handoffs.remove_entry(Kind::$kind, id.as_str(), &precondition, &caller.actor()).await?;
            Ok(StatusCode::NO_CONTENT)
        }
    };
}

pub(super) use operations;
