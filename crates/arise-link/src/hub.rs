//! The hub's side: whom to believe.

use arise_core::{Error, NodeId, Result};
use arise_store::sync::{key, peer, place};
use arise_store::{Store, Tx, WriteTx};

use crate::code::{hub_proof, is_node_proof};
use crate::seal::{PublicKey, Purpose, Sealed, public_key};
use crate::{Join, Joined};

/// Who wrote a request, as the signature shows.
#[derive(Debug, Clone)]
pub struct Believed {
    pub node: NodeId,
    pub counter: i64,
    /// The id it had before, and its new key, when the hub hears of them for the first time.
    formerly: Option<(NodeId, PublicKey)>,
}

/// Checks the signature of a request.
///
/// # Errors
/// `unknown_node`, `signature_wrong`.
pub fn believe(tx: &mut Tx<'_>, purpose: Purpose, hub: &PublicKey, sealed: &Sealed<'_>) -> Result<Believed> {
    let (node, counter) = (sealed.node, sealed.counter);
    if let Some(peer) = peer::find(tx, node)? {
        let key = peer.public_key.unwrap_or_default();
        if !sealed.is_by(purpose, hub, &key) {
            return Err(wrong_signature());
        }
        return Ok(Believed { node, counter, formerly: None });
    }
    let unknown = || {
        Error::unauthorized(
            "unknown_node",
            "The hub doesn't know this node. Join it with a code from the hub's administrator.",
        )
    };
    let successor = sealed.formerly.ok_or_else(unknown)?;
    let former = peer::find(tx, successor.formerly)?.ok_or_else(unknown)?;
    let handed_over = successor.is_by(node, &former.public_key.unwrap_or_default());
    if !handed_over || !sealed.is_by(purpose, hub, successor.public_key) {
        return Err(wrong_signature());
    }
    Ok(Believed { node, counter, formerly: Some((successor.formerly, *successor.public_key)) })
}

fn wrong_signature() -> Error {
    Error::unauthorized(
        "signature_wrong",
        "The signature isn't this node's. Join it anew with a code from the hub's administrator.",
    )
}

impl Believed {
    /// Lets the node in, inside the transaction of what it asks. One that took another id is admitted under it, with
    /// its new key.
    ///
    /// # Errors
    /// `node_revoked`.
    pub fn enter(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        let known = peer::find(tx, self.node)?.is_some();
        let peer = peer::asking(tx, self.node, self.formerly.map(|(formerly, _)| formerly))?;
        if let (false, Some((_, key))) = (known, &self.formerly) {
            peer::admit(tx, self.node, &peer.name, Some(key))?;
        }
        Ok(())
    }

    /// Uses the counter of the request up.
    ///
    /// # Errors
    /// `replayed`.
    pub fn use_counter(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        place::advance(tx, self.node, self.counter)
    }
}

/// Gives a place to a node that knows its code.
///
/// # Errors
/// `join_code_wrong`.
pub async fn join(store: &Store, ask: Join) -> Result<Joined> {
    let node_key = hex::decode(&ask.public_key).ok().and_then(|key| PublicKey::try_from(key).ok());
    let (Some(node_key), Ok(proof)) = (node_key, hex::decode(&ask.proof)) else {
        return Err(place::wrong_code());
    };
    store
        .write(move |tx| {
            let place = place::by_print(tx, &ask.print)?;
            if !is_node_proof(&place.code_key, ask.node, &node_key, &proof) {
                return Err(place::wrong_code());
            }
            place::take(tx, &place, ask.node, &node_key)?;
            let own = public_key(&key::own(tx)?);
            Ok(Joined {
                proof: hex::encode(hub_proof(&place.code_key, ask.node, &own)),
                public_key: hex::encode(own),
                name: place.name,
            })
        })
        .await
}
