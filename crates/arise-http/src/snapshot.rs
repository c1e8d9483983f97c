//! What servers of the older system push: their whole database.

use std::io::Write;

use arise_core::{Actor, Error, Result};
use arise_import::v1::{Origin, Scope};
use arise_store::session;
use axum::Extension;
use axum::extract::State;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Raw, from_slice};
use crate::import_job::{self, Ran};
use crate::older_node::OlderNode;
use crate::v1_import::{answer, read, turn};

/// In bytes: a database of about 90 MB, as text.
pub(crate) const MAX_BODY: usize = 128 * 1024 * 1024;

/// The log and the names of the sender are of no use here.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OlderSnapshot")]
pub(crate) struct Snapshot {
    db_size: Option<u64>,
    db_data: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReceivedSnapshot")]
pub(crate) struct Received {
    status: &'static str,
    message: &'static str,
    online_sessions_preserved: i64,
    timestamp: String,
    /// What became of its rows, when that is known already.
    #[serde(flatten)]
    account: Map<String, Value>,
}

/// Takes what is new. Nothing that is here is replaced, whatever the snapshot lacks.
pub(crate) async fn receive(
    State(app): State<App>,
    Extension(OlderNode(name)): Extension<OlderNode>,
    Raw(body): Raw,
) -> ApiResult<Json<Received>> {
    let turn = turn(&app)?;
    let snapshot: Snapshot = from_slice(&body)?;
    drop(body);
    let file = tokio::task::spawn_blocking(move || unpack(&snapshot))
        .await
        .map_err(|e| Error::internal(format!("a snapshot couldn't be unpacked: {e}")))??;
    let import = read(&app, file.path().to_owned(), Origin::named(&name)?).await?;
    drop(file);
    let preserved = app.store.read(session::count_online).await?;
    let (today, store, total) = (app.zone().date(app.now()), app.store.clone(), import.total());
    let ran = import_job::run(&app, Actor::SYSTEM, "snapshot", total, false, move |job| async move {
        let _turn = turn;
        answer(import.run(&store, Actor::SYSTEM, Some(job), Scope::Snapshot, &today).await?)
    });
    let (mut account, message) = match ran.await? {
        Ran::Done(answer) => (answer, "The snapshot was received; what is new was added."),
        // The sender pushes again anyway, and is told the same then.
        Ran::On { .. } => (Value::Null, "The snapshot was received; what is new is being added."),
    };
    if let Some(account) = account.as_object_mut() {
        account.remove("status");
    }
    Ok(Json(Received {
        status: "success",
        message,
        online_sessions_preserved: preserved,
        timestamp: app.zone().iso(app.now()),
        account: account.as_object().cloned().unwrap_or_default(),
    }))
}

fn unpack(snapshot: &Snapshot) -> Result<NamedTempFile> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let bytes = LENIENT
        .decode(snapshot.db_data.trim())
        .map_err(|_| Error::invalid("db_data", "This isn't base64. Nothing was changed."))?;
    if snapshot.db_size.is_some_and(|size| size != bytes.len() as u64) {
        return Err(Error::invalid(
            "db_size",
            format!("The snapshot has {} bytes and should have others. Nothing was changed.", bytes.len()),
        ));
    }
    let kept = |e: std::io::Error| {
        Error::unavailable("disk_error", format!("The snapshot can't be kept meanwhile: {e}"))
    };
    let mut file = NamedTempFile::new().map_err(kept)?;
    file.write_all(&bytes).and_then(|()| file.flush()).map_err(kept)?;
    Ok(file)
}
