//! What workers hand in, and later versions of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::conflicts::Raised;
use super::orders::open_order;
use super::{Loaded, ProgrammeError, Programmes};
use crate::kernel::clock::DateTime;
use crate::plans::Action;
use crate::plans::commands::Deed;
use crate::platform::db;
use crate::platform::http::Fault;
use crate::programmes::deliverable::{Deliverable, Kind, Malformed, Origin};
use crate::programmes::draft::charts;
use crate::programmes::figures::Figures;
use crate::programmes::selection::{Piece, maker, pieces};
use crate::programmes::store::{self, Made, NewFile};

/// So many files of one task at the most.
const FILES_MAX: usize = 60;

/// What a worker hands in when a task of a programme is done: the `data` of `POST /v1/tasks/{id}/complete`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProgrammeResult)]
pub struct Handed {
    pub files: Vec<HandedFile>,
    /// Conflicts with the outputs of others that the agent has seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<HandedConflict>,
}

/// Outputs that contradict each other, as the agent of a task tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProgrammeResultConflict)]
pub struct HandedConflict {
    /// The files that contradict each other; those of the task may be among them.
    pub files: Vec<String>,
    pub description: String,
}

/// One deliverable, as data or as the text of its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProgrammeResultFile)]
pub struct HandedFile {
    /// Below the root of the workspace; may be left out where the task makes a single file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliverable: Option<Deliverable>,
    /// The whole file with its head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A file that was handed in and is as it must be.
pub(super) struct Accepted {
    pub path: String,
    pub text: String,
    pub kind: Kind,
}

/// Everything of a result, files and conflicts, or every fault of it.
pub(super) fn accept(
    result: Option<&Value>,
    piece: &Piece<'_>,
    task: Option<&str>,
) -> Result<(Vec<Accepted>, Vec<HandedConflict>), Vec<Fault>> {
    let data = result.and_then(|result| result.get("data"));
    let Some(data) = data.filter(|data| data.as_object().is_some_and(|data| !data.is_empty())) else {
        let detail = format!(
            "hand in the deliverable: {{\"files\": [{{\"path\": \"{}…\", \"deliverable\": {{…}}}}]}}; its schema is at \
             /v1/programmes/schemas/{}",
            piece.path(),
            piece.output.kind
        );
        return Err(vec![Fault::new("#/data", detail)]);
    };
    let handed: Handed = serde_path_to_error::deserialize(data).map_err(|error| {
        let pointer = error.path().to_string().replace('[', "/").replace(']', "").replace('.', "/");
        vec![Fault::new(format!("#/data/{pointer}"), error.into_inner().to_string())]
    })?;
    let mut faults = Vec::new();
    if handed.files.is_empty() || handed.files.len() > FILES_MAX {
        faults.push(Fault::new("#/data/files", format!("must be 1 to {FILES_MAX} files")));
    }
    let mut accepted: Vec<Accepted> = Vec::new();
    for (place, file) in handed.files.into_iter().enumerate() {
        match one(file, piece, task) {
            Ok(file) if accepted.iter().any(|other| other.path == file.path) => {
                faults.push(Fault::new(
                    format!("#/data/files/{place}/path"),
                    format!("`{}` is there twice", file.path),
                ));
            }
            Ok(file) => accepted.push(file),
            Err((pointer, detail)) => {
                faults.push(Fault::new(format!("#/data/files/{place}{pointer}"), detail));
            }
        }
    }
    if faults.is_empty() { Ok((accepted, handed.conflicts)) } else { Err(faults) }
}

fn one(file: HandedFile, piece: &Piece<'_>, task: Option<&str>) -> Result<Accepted, (String, String)> {
    let own = piece.path();
    let path = match file.path {
        Some(path) => path,
        None if !piece.output.is_folder() => own.clone(),
        None => return Err(("/path".to_owned(), format!("is missing: this task makes files below `{own}`"))),
    };
    if !piece.has(&path) {
        let detail = if piece.output.is_folder() {
            format!("`{path}` is no file such as `{own}name.md`")
        } else {
            format!("`{path}` is not what this task makes, which is `{own}`")
        };
        return Err(("/path".to_owned(), detail));
    }
    let wanted = Kind::named(&piece.output.kind).unwrap_or(Kind::Document);
    let fault = |malformed: Malformed, below: &str| (format!("{below}{}", malformed.path), malformed.message);
    let deliverable = match (file.deliverable, file.text) {
        (Some(deliverable), None) => {
            deliverable.check(wanted).map_err(|malformed| fault(malformed, "/deliverable"))?;
            deliverable
        }
        (None, Some(text)) => {
            let (deliverable, kind) =
                Deliverable::parse(&text).map_err(|malformed| fault(malformed, "/text"))?;
            if kind != wanted {
                return Err((
                    "/text".to_owned(),
                    format!("is a `{}`, this task makes a `{}`", kind.name(), wanted.name()),
                ));
            }
            deliverable
        }
        _ => return Err((String::new(), "give either `deliverable` or `text`".to_owned())),
    };
    let origin = Origin { agent: &piece.agent.id, phase: piece.phase.number, step: &piece.step.id, task };
    Ok(Accepted { text: deliverable.render(wanted, &origin), path, kind: wanted })
}

/// A new version of a deliverable.
#[derive(Debug, Clone)]
pub struct Revision {
    pub path: String,
    pub file: HandedFile,
    /// The conflict whose decision is applied by it.
    pub conflict: Option<i32>,
    pub why: String,
    pub by: String,
}

impl Programmes {
    /// Keeps accepted files with the charts that belong to them; gives paths and versions.
    pub(super) async fn keep(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        piece: &Piece<'_>,
        accepted: Vec<Accepted>,
        (by, now): (&str, DateTime),
    ) -> Result<Vec<(String, i32)>, ProgrammeError> {
        let mut files = Vec::new();
        let figures = (!piece.output.charts.is_empty())
            .then(|| Figures::of(&loaded.business, &loaded.definition.restart));
        for file in accepted {
            if let Some(figures) = &figures {
                let drawn = charts::beside(piece.output, &file.path, &loaded.business, figures);
                files.extend(drawn.into_iter().map(|chart| NewFile {
                    path: chart.path,
                    content: chart.text,
                    kind: None,
                }));
            }
            files.push(NewFile {
                path: file.path,
                content: file.text,
                kind: Some(file.kind.name().to_owned()),
            });
        }
        let task = piece.task_id();
        let made = Made { agent: &piece.agent.id, task: Some(&task), at: now, by };
        Ok(store::insert_files(conn, loaded.row.id, &files, made).await?)
    }

    /// What follows from files that were handed in: the conflicts that their agent tells, and those that the rules find.
    pub(super) async fn handed_over(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        piece: &Piece<'_>,
        (conflicts, by): (&[HandedConflict], &str),
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let agent = &piece.agent.id;
        for (place, told) in conflicts.iter().enumerate() {
            let raised = Raised {
                agent: agent.clone(),
                files: told.files.clone(),
                description: told.description.clone(),
                by: by.to_owned(),
            };
            self.check_raised(conn, loaded, &raised, &format!("#/data/conflicts/{place}")).await?;
            self.raise_on(conn, loaded, &raised, None, now).await?;
        }
        self.look(conn, loaded, (agent, by), now).await
    }

    /// Makes a new version of a deliverable that is there, and looks at the gates again that wait. Where it applies a decision,
    /// the task of that is done by it.
    pub async fn revise_file(&self, id: Uuid, revision: Revision) -> Result<i32, ProgrammeError> {
        let mut tx = db::begin(&self.pool).await?;
        let now = self.clock.now();
        self.plans.lock(&mut tx, id).await?;
        let loaded = self.load(&mut tx, id).await?;
        let known = store::file(&mut tx, id, &revision.path, None).await?;
        let missing = || ProgrammeError::NoFile { programme: id, path: revision.path.clone() };
        let known = known.filter(|file| file.kind.is_some()).ok_or_else(missing)?;
        // What lay there before the run answers no task of it.
        let task = loaded.task().filter(|_| known.task.is_some());
        let piece = maker(&pieces(&loaded.definition), &revision.path).ok_or_else(missing)?;
        let file = HandedFile { path: Some(revision.path.clone()), ..revision.file.clone() };
        let view = self.plans.read_on(&mut tx, id).await?;
        if let Some(order) = revision.conflict.and_then(|of| open_order(&view, of, &revision.path)) {
            let handed = Handed { files: vec![file], conflicts: Vec::new() };
            let result = json!({ "outputs": [&revision.path], "data": handed, "note": revision.why });
            let action = Action::Complete { token: None };
            let deed = Deed { action, result: Some(result), by: revision.by.clone() };
            self.plans.task_event(&mut tx, now, order.id, &deed).await?;
            let version =
                store::file(&mut tx, id, &revision.path, None).await?.map_or(1, |file| file.version);
            self.close(tx, false).await?;
            return Ok(version);
        }
        let accepted = one(file, &piece, task).map_err(|(pointer, detail)| {
            ProgrammeError::Invalid(vec![Fault::new(format!("#{pointer}"), detail)])
        })?;
        let (topic, phase) = self.branch(&mut tx, &loaded, &piece, &revision.path).await?;
        let versions = self.keep(&mut tx, &loaded, &piece, vec![accepted], (&revision.by, now)).await?;
        if let Some(number) = revision.conflict {
            self.apply(&mut tx, id, number, &revision.path).await?;
        }
        let version =
            versions.iter().find(|(path, _)| *path == revision.path).map_or(1, |(_, version)| *version);
        let entry = json!({
            "kind": "commit", "topic": topic, "phase": phase, "agent": piece.agent.id,
            "message": format!("revise: {} in {}", one_line(&revision.why), revision.path), "files": versions,
        });
        store::add_entry(&mut tx, id, &format!("revise:{}:{version}", revision.path), &entry, now).await?;
        self.look(&mut tx, &loaded, (&piece.agent.id, &revision.by), now).await?;
        self.judge_waiting(&mut tx, &loaded, now).await?;
        self.close(tx, false).await?;
        Ok(version)
    }
}

/// A reason as a part of a commit's message.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::super::make::piece_of;
    use super::*;
    use crate::programmes::definition::Definition;

    #[test]
    fn every_fault_of_a_result_has_its_pointer() {
        let definition = Definition::shipped().unwrap();
        let piece = piece_of(&definition, "gtm-strategy:budget-allocation").unwrap();
        let faults = |result: Value| -> Vec<String> {
            let faults = accept(Some(&json!({"outputs": [], "data": result})), &piece, None).err().unwrap();
            faults.iter().map(|fault| fault.pointer.clone()).collect()
        };
        assert_eq!(faults(json!({"files": []})), ["#/data/files"]);
        assert_eq!(faults(json!({"file": []})), ["#/data/file"]);
        let body = json!({"title": "Budget", "body": "Text", "data": {"month_total": 1, "lines": []}});
        assert_eq!(
            faults(json!({"files": [{"deliverable": body}, {"path": "strategy/other.md", "text": "x"}, {}]})),
            ["#/data/files/0/deliverable/data/month_total", "#/data/files/1/path", "#/data/files/2"]
        );
        assert_eq!(accept(None, &piece, None).err().unwrap()[0].pointer, "#/data");
    }
}
