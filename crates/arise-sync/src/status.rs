//! What a node shows of its syncing.

use arise_core::{NodeId, Result, UtcMillis};
use arise_store::Tx;
use arise_store::sync::scope::Courses;
use arise_store::sync::{self, quarantine};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub node: NodeId,
    /// The last number of the hub that this node has; on the hub, the last one given.
    pub gsn: i64,
    /// How many records the hub had when it last answered.
    pub hub_gsn: i64,
    /// How many records here the hub doesn't have; on the hub, how many have no number yet.
    pub waiting: i64,
    /// How many of them the hub can't take. They aren't among those that wait.
    pub refused: i64,
    /// When the hub last answered.
    pub synced_at: Option<UtcMillis>,
    /// The courses whose records the hub gives this node; nothing is all of them.
    pub courses: Courses,
}

/// # Errors
/// `disk_error` and its like.
pub fn status(tx: &mut Tx<'_>) -> Result<Status> {
    let state = sync::state(tx)?;
    Ok(Status {
        node: arise_store::node::id(tx)?,
        gsn: state.position.gsn,
        hub_gsn: state.hub_gsn,
        waiting: sync::count_unsent(tx, &state)?,
        refused: quarantine::refused(tx)?.1,
        synced_at: state.synced_at,
        courses: state.courses,
    })
}
