//! Syncing over HTTP: the hub's exchange, and what people see and ask for.

mod exchange;
mod file;
mod join;
mod node;
mod status;

pub(crate) use exchange::{check_signature, exchange};
pub(crate) use file::{MAX_FILE, SyncFile, SyncFileTaken, export, import};
pub(crate) use join::{join, join_hub};
pub(crate) use node::{create, list, remove, set_scope};
pub(crate) use status::{push, status};

use arise_core::{Error, Result};
use arise_link::seal::{self, PublicKey};
use arise_store::sync::key::{self, Secret};
use tokio::sync::{OnceCell, Semaphore};

use crate::app::{App, NodeType};

/// Exchanges that the hub works on at once: each may take a few megabytes.
const AT_ONCE: usize = 8;

/// What a hub keeps in memory.
pub(crate) struct HubState {
    key: OnceCell<(Secret, PublicKey)>,
    slots: Semaphore,
}

impl Default for HubState {
    fn default() -> Self {
        Self { key: OnceCell::new(), slots: Semaphore::new(AT_ONCE) }
    }
}

/// The hub's own key.
async fn hub_key(app: &App) -> Result<(Secret, PublicKey)> {
    let make = || async {
        let secret = app.store.write(key::own).await?;
        Ok((secret, seal::public_key(&secret)))
    };
    app.hub_state.key.get_or_try_init(make).await.copied()
}

/// # Errors
/// `not_a_hub` on a classroom's server.
fn must_be_a_hub(app: &App) -> Result<()> {
    if app.config.node_type == NodeType::Cloud {
        return Ok(());
    }
    Err(Error::forbidden(
        "not_a_hub",
        "This server isn't the hub, so nodes can't join it. Start the hub with IS_CLOUD_SERVER=true.",
    ))
}

/// # Errors
/// `is_hub` on the hub.
fn must_be_a_node(app: &App) -> Result<()> {
    if app.config.node_type == NodeType::Local {
        return Ok(());
    }
    Err(Error::conflict(
        "is_hub",
        "This is the hub: classrooms' servers sync with it, not the other way around.",
    ))
}
