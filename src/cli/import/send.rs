//! Sending the events of an import: in compressed batches, a few at a time, in order.
//!
//! Promises: a busy service is waited for as long as it says (`Retry-After`); a batch that got no answer is
//! sent again, which is safe because the service knows its events by their ids; what the service refuses is
//! written to the rejected file beside its row; the progress on disk never runs ahead of the answers.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;

use super::super::client::Client;
use super::super::failure::{Exit, Failure};
use super::preview::count;
use super::progress::{Progress, ProgressFile};
use super::rejects::Rejects;
use super::rows::{Row, RowFault, Rows};
use super::summary::Counts;

/// Events of one request: half of what the service takes, a good size for one transaction.
const BATCH_EVENTS: usize = 500;
/// Rows of one batch, where rows make no events.
const BATCH_ROWS: usize = 2_000;
/// Requests under way: enough to hide the way there and back, too few to crowd out others.
const IN_FLIGHT: usize = 4;
/// Attempts for one batch.
const ATTEMPTS: u32 = 8;
/// Longest wait between two attempts, whatever the service says.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The rows of one file that are sent together.
struct Batch {
    file: usize,
    /// With their events moved into `body`.
    rows: Vec<Row>,
    /// For each event of the body the place of its row in `rows`.
    origins: Vec<usize>,
    body: Vec<u8>,
}

/// What the service did with a batch.
struct Answer {
    accepted: u64,
    duplicates: u64,
    /// By place in the batch.
    rejected: Vec<(usize, String)>,
}

/// An import under way.
pub struct Sender<'a> {
    pub client: &'a Client,
    pub rows: Rows<'a>,
    pub progress: Progress,
    pub file: ProgressFile,
    pub rejects: Rejects,
    /// Told of every batch: rows done, rows rejected.
    pub watch: &'a dyn Fn(u64, u64),
}

/// A finished import.
pub struct Sent {
    pub counts: Vec<Counts>,
    pub rejected_files: Vec<PathBuf>,
}

impl Sender<'_> {
    /// Sends everything that is left.
    pub async fn run(mut self) -> anyhow::Result<Sent> {
        let names = self.rows.file_names();
        let paths = self.rows.paths();
        if self.progress.counts.is_empty() {
            let fresh = |file: &String| Counts { file: file.clone(), ..Counts::default() };
            self.progress.counts = names.iter().map(fresh).collect();
        }
        let mut flights = FuturesOrdered::new();
        let mut next = self.skip_what_is_done()?;
        loop {
            while flights.len() < IN_FLIGHT {
                let Some(batch) = self.next_batch(&mut next)? else { break };
                let client = self.client;
                flights.push_back(async move {
                    let answer = if batch.origins.is_empty() {
                        Ok(Answer { accepted: 0, duplicates: 0, rejected: Vec::new() })
                    } else {
                        post(client, &batch.body).await
                    };
                    (batch, answer)
                });
            }
            let Some((batch, answer)) = flights.next().await else { break };
            self.settle(batch, answer?, &paths)?;
        }
        let rejected_files = self.rejects.finish()?;
        self.file.remove();
        Ok(Sent { counts: self.progress.counts, rejected_files })
    }

    /// Reads past the rows that an earlier run has done; gives the first one that is left.
    fn skip_what_is_done(&mut self) -> anyhow::Result<Option<Row>> {
        // The rows are read and not jumped over, because their ids are needed to find repeats.
        for _ in 0..self.progress.rows_done {
            self.rows.next_row()?;
        }
        self.rows.next_row()
    }

    /// The next batch; `next` is the row that it begins with and, afterwards, the one that follows it.
    fn next_batch(&mut self, next: &mut Option<Row>) -> anyhow::Result<Option<Batch>> {
        let Some(file) = next.as_ref().map(|row| row.file) else { return Ok(None) };
        let (mut rows, mut origins, mut events) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(row) = next.take() {
            let full = rows.len() >= BATCH_ROWS || events.len() + row.events.len() > BATCH_EVENTS;
            if row.file != file || (full && !rows.is_empty()) {
                *next = Some(row);
                break;
            }
            origins.extend(std::iter::repeat_n(rows.len(), row.events.len()));
            events.extend(row.events.iter().cloned());
            rows.push(row);
            *next = self.rows.next_row()?;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&serde_json::to_vec(&events)?)?;
        Ok(Some(Batch { file, rows, origins, body: encoder.finish()? }))
    }

    /// Takes note of an answer: numbers, rejected rows, progress.
    fn settle(&mut self, mut batch: Batch, answer: Answer, paths: &[PathBuf]) -> anyhow::Result<()> {
        for (index, reason) in answer.rejected {
            if let Some(row) = batch.origins.get(index).and_then(|row| batch.rows.get_mut(*row)) {
                row.faults.push(RowFault::new("", format!("refused by the service: {reason}")));
            }
        }
        let counts = &mut self.progress.counts[batch.file];
        counts.accepted += answer.accepted;
        counts.duplicates += answer.duplicates;
        for row in &batch.rows {
            count(counts, row);
            if !row.faults.is_empty() {
                let header = self.rows.header(batch.file);
                self.rejects.add(&paths[batch.file], header, row, &row.faults)?;
            }
        }
        self.progress.rows_done += batch.rows.len() as u64;
        self.rejects.flush()?;
        self.file.write(&self.progress)?;
        let rejected = self.progress.counts.iter().map(|file| file.rejected_rows).sum();
        (self.watch)(self.progress.rows_done, rejected);
        Ok(())
    }
}

/// Sends one batch, again and again where that can help.
async fn post(client: &Client, body: &[u8]) -> Result<Answer, Failure> {
    let mut wait = Duration::from_secs(1);
    for attempt in 1.. {
        let request = client
            .request(Method::POST, "/v1/events?lane=bulk")
            .header(CONTENT_TYPE, "application/cloudevents-batch+json")
            .header(CONTENT_ENCODING, "gzip")
            .body(body.to_vec());
        let (failure, told) = match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                let body = answer.text().await.map_err(|error| Failure::unreachable(client.url(), &error));
                match body {
                    Ok(body) => return read(&body),
                    Err(failure) => (failure, None),
                }
            }
            Ok(answer) => {
                let told = answer
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok()?.parse().ok())
                    .map(Duration::from_secs);
                let status = answer.status().as_u16();
                (Failure::from_answer(status, &answer.text().await.unwrap_or_default()), told)
            }
            Err(error) => (Failure::unreachable(client.url(), &error), None),
        };
        if failure.exit != Exit::Unavailable || attempt == ATTEMPTS {
            return Err(failure);
        }
        tokio::time::sleep(told.unwrap_or(wait).min(WAIT_MAX)).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
    unreachable!("the loop ends by returning")
}

fn read(body: &str) -> Result<Answer, Failure> {
    let answer: Value = serde_json::from_str(body)
        .map_err(|_| Failure::from_answer(502, "the service did not answer in JSON"))?;
    let number = |name: &str| answer[name].as_u64().unwrap_or_default();
    let rejected = answer["rejected"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| {
            let index = usize::try_from(one["index"].as_u64()?).ok()?;
            Some((
                index,
                one["detail"].as_str().or(one["code"].as_str()).unwrap_or("no reason given").to_owned(),
            ))
        })
        .collect();
    Ok(Answer { accepted: number("accepted"), duplicates: number("duplicates"), rejected })
}
