//! The exchange as files: all that waits in one, walked to the hub, and all that the hub has in another, walked back.

use arise_core::{Error, Result};
use arise_store::{Store, sync};

use crate::message::{Answer, Limits, Request, Verdict};
use crate::node;

/// The most bytes of such a file. What doesn't fit goes with the next one.
pub const MAX_FILE: usize = 64 * 1_024 * 1_024;
/// The most records that a file of a node carries.
const MAX_WALKED: i64 = 50_000;

/// What this node asks of the hub, in as many requests as it takes.
///
/// # Errors
/// `disk_error` and its like.
pub async fn requests(store: &Store) -> Result<Vec<u8>> {
    let requests = store
        .read(|tx| {
            let limits = Limits::default();
            let first = Request { records: vec![], ..node::request(tx, limits)? };
            let state = sync::state(tx)?;
            let mut parts: Vec<Request> = vec![];
            let mut size = 0;
            for record in sync::unsent(tx, &state, MAX_WALKED)? {
                size += record.size();
                match parts.last_mut() {
                    Some(part) if part.records.len() < limits.records && size <= limits.bytes => {
                        part.records.push(record);
                    }
                    _ => {
                        size = record.size();
                        parts.push(Request { records: vec![record], ..first.clone() });
                    }
                }
            }
            if parts.is_empty() {
                parts.push(first);
            }
            Ok(parts)
        })
        .await?;
    bundle(requests.iter().map(Request::encode))
}

/// The requests of a node's file.
///
/// # Errors
/// `sync_unreadable` and its like.
pub fn read_requests(file: &[u8]) -> Result<Vec<Request>> {
    let requests = split(file)?.into_iter().map(Request::decode).collect::<Result<Vec<_>>>()?;
    // They differ in their records alone.
    let same = |request: &Request, first: &Request| Request { records: vec![], ..request.clone() } == *first;
    let first = requests.first().map(|first| Request { records: vec![], ..first.clone() });
    match first {
        Some(first) if requests.iter().all(|request| same(request, &first)) => Ok(requests),
        _ => Err(unreadable()),
    }
}

/// What the hub answers to the file of a node.
///
/// # Errors
/// Those of [`crate::answer`].
pub async fn answers(store: &Store, requests: Vec<Request>) -> Result<Vec<u8>> {
    let Some(first) = requests.first() else { return Err(unreadable()) };
    let mut ask = Request { records: vec![], ..first.clone() };
    let mut refused = vec![];
    for request in requests {
        let mut answer = answer(store, request).await?;
        refused.append(&mut answer.refused);
        if answer.verdict != Verdict::Taken {
            return bundle([answer.encode()].into_iter());
        }
    }
    // Each answer begins where the one before ends. The hub gives one token for all of them, so that the node
    // may still show its present one if this file gets lost.
    let mut shown = ask.token;
    let mut file = vec![];
    loop {
        let mut answer = answer(store, ask.clone()).await?;
        answer.token_shown = shown;
        answer.refused = std::mem::take(&mut refused);
        shown = Some(answer.token);
        let count = i64::try_from(answer.records.len()).unwrap_or_default();
        ask.at = (ask.at.0 + count, answer.end.unwrap_or(ask.at.1));
        ask.scope = answer.scope;
        let frame = bundle([answer.encode()].into_iter())?;
        if file.len() + frame.len() > MAX_FILE {
            return Ok(file);
        }
        file.extend(frame);
        if answer.verdict != Verdict::Taken || count == 0 || ask.at.0 >= answer.hub_gsn {
            return Ok(file);
        }
    }
}

async fn answer(store: &Store, request: Request) -> Result<Answer> {
    let (exchange, mut answer) = crate::take(store, request, |_| Ok(())).await?;
    store
        .read_patiently(move |tx| {
            exchange.fill(tx, &mut answer)?;
            Ok(answer)
        })
        .await
}

/// Takes the hub's file. The progress is that of all its answers together.
///
/// # Errors
/// Those of [`crate::accept`].
pub async fn accept(store: &Store, file: &[u8]) -> Result<node::Progress> {
    let mut total: Option<node::Progress> = None;
    for frame in split(file)? {
        let progress = crate::accept(store, frame).await?;
        total = Some(match total {
            Some(before) => node::Progress {
                outcome: if progress.outcome == node::Outcome::Ignored {
                    before.outcome
                } else {
                    progress.outcome
                },
                received: before.received + progress.received,
                refused: before.refused + progress.refused,
                more: progress.more,
            },
            None => progress,
        });
    }
    total.ok_or_else(unreadable)
}

/// Frames one after the other, each with its length before it, in 4 bytes.
fn bundle(frames: impl Iterator<Item = Result<Vec<u8>>>) -> Result<Vec<u8>> {
    let mut file = vec![];
    for frame in frames {
        let frame = frame?;
        let length = u32::try_from(frame.len()).map_err(|_| Error::internal("a frame is too long"))?;
        file.extend(length.to_be_bytes());
        file.extend(frame);
    }
    Ok(file)
}

fn split(mut file: &[u8]) -> Result<Vec<&[u8]>> {
    let mut frames = vec![];
    while let Some((length, rest)) = file.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| unreadable())?;
        let (frame, rest) = rest.split_at_checked(length).ok_or_else(unreadable)?;
        frames.push(frame);
        file = rest;
    }
    if file.is_empty() { Ok(frames) } else { Err(unreadable()) }
}

fn unreadable() -> Error {
    Error::malformed("sync_unreadable", "This sync file is damaged, or is none. Copy it once more.")
}
