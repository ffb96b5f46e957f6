//! A file of a programme's workspace.

use super::{Document, Found, Text};
use crate::mcp::calls::{Calls, Refusal};

pub struct ProgrammeFile;

impl Document for ProgrammeFile {
    const TEMPLATE: &'static str = "gtm://programmes/{programmeId}/files/{+path}";
    const NAME: &'static str = "programme_file";
    const TITLE: &'static str = "File of a programme";
    const DESCRIPTION: &'static str = "A file of a programme, such as strategy/gtm-strategy.md, in its newest version: a \
        deliverable with its data in the front matter, a chart, a status, a decision. show_programme lists them.";
    const MIME_TYPE: &'static str = "text/markdown";
    const CALLS: &'static [&'static str] = &["get_programme_file"];

    async fn read(calls: &Calls, given: &[String]) -> Result<Text, Refusal> {
        let [programme, path] = given else {
            return Ok(Text { text: String::new(), mime_type: Self::MIME_TYPE });
        };
        let is_chart = std::path::Path::new(path).extension().is_some_and(|end| end == "svg");
        let mime_type = if is_chart { "image/svg+xml" } else { Self::MIME_TYPE };
        let file = calls.to("get_programme_file").path("programmeId", programme).tail("path", path);
        Ok(Text { text: file.text().await?, mime_type })
    }

    /// There are too many to be offered by name; `show_programme` lists them.
    async fn list(_calls: &Calls) -> Result<Vec<Found>, Refusal> {
        Ok(Vec::new())
    }
}
