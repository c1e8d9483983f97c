//! Joining: a node takes the place that a code is for.

use std::net::{IpAddr, SocketAddr};

use arise_link::{Join, Joined};
use arise_store::audit;
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exchange::note_refused;
use super::{must_be_a_hub, must_be_a_node};
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Who};

/// On the hub: admits a node that knows a code.
pub(crate) async fn join(
    State(app): State<App>,
    Extension(ConnectInfo(peer)): Extension<ConnectInfo<SocketAddr>>,
    Json(ask): Json<Join>,
) -> ApiResult<Json<Joined>> {
    must_be_a_hub(&app)?;
    let node = ask.node;
    let joined = arise_link::hub::join(&app.store, ask).await;
    let joined = note_refused(&app, node, joined).await?;
    let (name, address) = (joined.name.clone(), whole(peer.ip()));
    app.store.write(move |tx| audit::note(tx, "node_joined", &name, &address)).await?;
    Ok(Json(joined))
}

fn whole(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HubToJoin")]
pub(crate) struct Hub {
    url: String,
    #[serde(alias = "join_code")]
    code: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HubJoined")]
pub(crate) struct HubJoined {
    status: &'static str,
    message: String,
    /// What the hub's administrator called this server.
    name: String,
    cloud_url: Option<String>,
}

/// On a node: joins the hub with a code that its administrator gave.
pub(crate) async fn join_hub(
    State(app): State<App>,
    Who(actor): Who,
    Json(hub): Json<Hub>,
) -> ApiResult<Json<HubJoined>> {
    must_be_a_node(&app)?;
    let joined = app.link.join(&hub.url, &hub.code).await?;
    let url = hub.url.clone();
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            audit::note(tx, "hub_joined", &url, "")
        })
        .await?;
    Ok(Json(HubJoined {
        status: "success",
        message: format!("Joined the hub as “{}”", joined.name),
        name: joined.name,
        cloud_url: app.link.hub_url().await?,
    }))
}
