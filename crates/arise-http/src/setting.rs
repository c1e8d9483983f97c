//! Settings of the institution.

use arise_core::setting::{LeaderboardMode, Settings};
use arise_store::setting;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::Done;
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Who};

pub(crate) async fn get(State(app): State<App>) -> ApiResult<Json<Settings>> {
    Ok(Json(app.store.read(setting::get).await?))
}

/// What isn't said stays as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsBody {
    batch_name: Option<String>,
    institution_name: Option<String>,
    time_zone: Option<String>,
    session_grace_minutes: Option<i64>,
    late_after_minutes: Option<i64>,
    min_attendance_percent: Option<i64>,
    critical_percent: Option<i64>,
    allow_legacy_scanners: Option<bool>,
    online_login_required: Option<bool>,
    campus_networks: Option<String>,
    leaderboard: Option<LeaderboardMode>,
}

impl SettingsBody {
    fn over(self, known: Settings) -> Settings {
        Settings {
            batch_name: self.batch_name.unwrap_or(known.batch_name),
            institution_name: self.institution_name.unwrap_or(known.institution_name),
            time_zone: self.time_zone.unwrap_or(known.time_zone),
            session_grace_minutes: self.session_grace_minutes.unwrap_or(known.session_grace_minutes),
            late_after_minutes: self.late_after_minutes.unwrap_or(known.late_after_minutes),
            min_attendance_percent: self.min_attendance_percent.unwrap_or(known.min_attendance_percent),
            critical_percent: self.critical_percent.unwrap_or(known.critical_percent),
            allow_legacy_scanners: self.allow_legacy_scanners.unwrap_or(known.allow_legacy_scanners),
            online_login_required: self.online_login_required.unwrap_or(known.online_login_required),
            campus_networks: self.campus_networks.unwrap_or(known.campus_networks),
            leaderboard: self.leaderboard.unwrap_or(known.leaderboard),
        }
    }
}

/// They hold from the moment of the answer.
pub(crate) async fn update(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<SettingsBody>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let settings = body.over(setting::get(tx)?);
            setting::put(tx, &settings)
        })
        .await?;
    app.read_settings().await?;
    Ok(Done::saying("Settings saved"))
}
