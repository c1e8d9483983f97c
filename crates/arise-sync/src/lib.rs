//! How nodes and the hub come to hold the same records. Bytes in, bytes out: whoever carries them, and
//! whether they get lost, doubled or reordered on the way, doesn't matter here. docs/SYNC.md has the design.
//!
//! # One exchange
//!
//! ```text
//! node  let body = arise_sync::request(&store).await?;           // Vec<u8>, ≤ MAX_BODY
//!       … POST /api/sync/exchange …
//! hub   let request = Request::decode(&body)?;                   // request.node says who asks
//!       … check the signature with the key of request.node, or of request.formerly when that isn't known …
//!       let body = arise_sync::answer(&store, request).await?;   // Vec<u8>, ≤ MAX_BODY
//! node  let progress = arise_sync::accept(&store, &body).await?;
//!       if progress.more { go on at once }
//! ```
//!
//! All three may be repeated at any time: an answer that is no longer wanted is ignored
//! ([`Outcome::Ignored`]), a request that is heard twice changes nothing the second time. One exchange at a
//! time per node; two at once are harmless and one of them is ignored.
//!
//! # Who may exchange
//!
//! Those whom the hub admitted: [`arise_store::sync::peer::admit`], and [`revoke`](arise_store::sync::peer::revoke)
//! to end it. [`answer`] refuses others with `unknown_node` (401) and `node_revoked` (403). Signatures are the
//! caller's; `peer.public_key` is kept for them.
//!
//! # What else a caller needs
//!
//! - [`status`]: what a node shows of its syncing.
//! - [`arise_store::sync::quarantine`]: records the hub couldn't take, on the hub (`list`) and on the node that
//!   wrote them (`refused`, `retry`).
//! - [`Store::events`](arise_store::Store::events): marks that arrive by an exchange are announced like local ones.
//!
//! Files that are walked to the office are the same bytes: a request in one file, its answer in another.

pub mod hub;
mod message;
pub mod node;
mod status;
pub mod walk;
mod wire;

use arise_core::{OpId, Result};
use arise_store::{Store, WriteTx};

pub use message::{Answer, Limits, MAX_RECORDS, Request, Verdict};
pub use node::{Outcome, Progress};
pub use status::{Status, status};
pub use wire::MAX_BODY;

/// What this node asks of the hub: its position and the records that wait.
///
/// # Errors
/// `disk_error` and its like.
pub async fn request(store: &Store) -> Result<Vec<u8>> {
    request_after(store, None).await.map(|(request, _)| request)
}

/// [`request`], when the hub has taken all that waits up to `offered`: while a node has much to hear, it needn't offer
/// the same again until it hears of that. Answers the request and how far it offers.
///
/// # Errors
/// `disk_error` and its like.
pub async fn request_after(store: &Store, offered: Option<OpId>) -> Result<(Vec<u8>, Option<OpId>)> {
    store
        .read_patiently(move |tx| {
            let request = node::request_after(tx, offered, Limits::default())?;
            // To pack and unpack a thousand records takes milliseconds, which those who mark don't wait for: it is done
            // on a thread that gives way to theirs, here and below.
            let last = request.records.last().map(|record| record.id);
            Ok((request.encode()?, last))
        })
        .await
}

/// What the hub answers. Records are taken in several transactions, so that marks keep flowing meanwhile.
///
/// # Errors
/// `unknown_node`, `node_revoked`, `disk_full` and its like. What was taken until then is kept: the node's next
/// request finds it known.
pub async fn answer(store: &Store, request: Request) -> Result<Vec<u8>> {
    answer_after(store, request, |_| Ok(())).await
}

/// [`answer`], once `enter` has let the node in, in the transaction that takes the first records.
///
/// # Errors
/// Those of [`answer`] and of `enter`.
pub async fn answer_after(
    store: &Store,
    request: Request,
    enter: impl FnOnce(&mut WriteTx<'_>) -> Result<()> + Send + 'static,
) -> Result<Vec<u8>> {
    let (exchange, mut answer) = take(store, request, enter).await?;
    store
        .read_patiently(move |tx| {
            exchange.fill(tx, &mut answer)?;
            answer.encode()
        })
        .await
}

/// The hub's part up to an answer that isn't filled yet.
async fn take(
    store: &Store,
    request: Request,
    enter: impl FnOnce(&mut WriteTx<'_>) -> Result<()> + Send + 'static,
) -> Result<(hub::Exchange, Answer)> {
    let mut exchange = hub::Exchange::new(request, Limits::default());
    let mut enter = Some(enter);
    loop {
        let entering = enter.take();
        let (going_on, answer) = store
            .write_patiently(move |tx| {
                if let Some(enter) = entering {
                    enter(tx)?;
                }
                let answer = exchange.step(tx)?;
                Ok((exchange, answer))
            })
            .await?;
        exchange = going_on;
        if answer.as_ref().is_none_or(|answer| exchange.goes_on(answer)) {
            store.rest().await;
        }
        if let Some(answer) = answer {
            return Ok((exchange, answer));
        }
    }
}

/// Takes the hub's answer, in several transactions.
///
/// # Errors
/// `sync_unreadable` for bytes that aren't an answer, `sync_version` for those of another version,
/// `answer_unusable`, `disk_full` and its like. What was taken until then is kept.
pub async fn accept(store: &Store, body: &[u8]) -> Result<Progress> {
    let body = body.to_vec();
    let answer = store.read_patiently(move |_| Answer::decode(&body)).await?;
    let mut acceptance = node::Acceptance::new(answer, Limits::default());
    loop {
        let (going_on, progress) = store
            .write_patiently(move |tx| {
                let progress = acceptance.step(tx)?;
                Ok((acceptance, progress))
            })
            .await?;
        if progress.is_none_or(|progress| progress.more) {
            store.rest().await;
        }
        if let Some(progress) = progress {
            return Ok(progress);
        }
        acceptance = going_on;
    }
}
