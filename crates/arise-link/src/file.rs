//! Exchanges as files, for nodes that no network reaches: the node's file is walked to the hub, the hub's answer
//! back. Both are signed like requests; that a file is read twice changes nothing.

use arise_core::{Error, NodeId, Result};
use arise_store::sync::{hub, key};
use arise_store::{Store, node};
use arise_sync::{Progress, walk};

use crate::link::{asker, not_joined};
use crate::seal::{self, MAX_SEAL, PublicKey, Purpose, Sealed};

const MAGIC_OF_NODE: &[u8] = b"arise node 1\n";
const MAGIC_OF_HUB: &[u8] = b"arise hub 1\n\n";
/// The most bytes of a file.
pub const MAX_FILE: usize = walk::MAX_FILE + MAX_SEAL + MAGIC_OF_NODE.len();

/// Whose file this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    Node,
    Hub,
}

/// # Errors
/// `sync_unreadable` for what is no such file.
pub fn writer(file: &[u8]) -> Result<Writer> {
    if file.starts_with(MAGIC_OF_NODE) {
        Ok(Writer::Node)
    } else if file.starts_with(MAGIC_OF_HUB) {
        Ok(Writer::Hub)
    } else {
        Err(Error::malformed("sync_unreadable", "This isn't a file of arise sync export or import."))
    }
}

/// On a node: all that waits, to be walked to the hub.
///
/// # Errors
/// `not_joined`.
pub async fn export(store: &Store) -> Result<Vec<u8>> {
    let hub_key = joined_key(store).await?;
    let requests = walk::requests(store).await?;
    let asker = asker(store).await?;
    // Files have no counter: one that is read again changes nothing.
    let sealed = asker.seal(Purpose::File, &hub_key, 0, &requests);
    Ok([MAGIC_OF_NODE, &sealed].concat())
}

/// On a node: takes the hub's answer.
///
/// # Errors
/// `not_joined`, `sync_unreadable`, `answer_unsigned`.
pub async fn accept(store: &Store, file: &[u8]) -> Result<Progress> {
    let hub_key = joined_key(store).await?;
    let body = file.strip_prefix(MAGIC_OF_HUB).ok_or_else(|| not_the("hub's"))?;
    let me = store.read(node::id).await?;
    let frames = seal::read_answer(Purpose::File, &hub_key, me.0.as_bytes(), body)?;
    walk::accept(store, frames).await
}

/// On the hub: takes a node's file and writes the answer. Answers the node too.
///
/// # Errors
/// `sync_unreadable`, `unknown_node`, `node_revoked`, `signature_wrong`.
pub async fn answer(store: &Store, file: &[u8]) -> Result<(NodeId, Vec<u8>)> {
    let body = file.strip_prefix(MAGIC_OF_NODE).ok_or_else(|| not_the("node's"))?;
    let sealed = Sealed::read(body).map_err(|_| not_the("node's"))?;
    let secret = store.write(key::own).await?;
    let hub_key = seal::public_key(&secret);
    let owned = body.to_vec();
    let believed = store
        .read(move |tx| crate::hub::believe(tx, Purpose::File, &hub_key, &Sealed::read(&owned)?))
        .await?;
    let requests = walk::read_requests(sealed.frame)?;
    if requests.iter().any(|request| request.node != sealed.node) {
        return Err(not_the("node's"));
    }
    store.write(move |tx| believed.enter(tx)).await?;
    let frames = walk::answers(store, requests).await?;
    let answer = seal::answer(Purpose::File, &secret, sealed.node.0.as_bytes(), &frames);
    Ok((sealed.node, [MAGIC_OF_HUB, &answer].concat()))
}

async fn joined_key(store: &Store) -> Result<PublicKey> {
    let hub = store.read(hub::get).await?.ok_or_else(not_joined)?;
    PublicKey::try_from(hub.public_key).map_err(|_| Error::internal("the hub's key has the wrong length"))
}

fn not_the(whose: &str) -> Error {
    Error::malformed(
        "sync_unreadable",
        format!("This file isn't a {whose}, or was damaged. Copy it once more."),
    )
}
