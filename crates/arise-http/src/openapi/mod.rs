//! The API document (OpenAPI 3.1), made from the route table, and a page that shows it.

mod describe;
mod page;
mod said;

use std::sync::OnceLock;

use arise_core::Error;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

pub(crate) use self::describe::{Described, Operation, Schemas, meaning};
pub(crate) use self::page::page;
use crate::app::App;
use crate::error::ApiResult;
use crate::route::{Access, Route};
use crate::router;

/// The body of every error.
#[derive(JsonSchema)]
#[schemars(rename = "Error")]
#[expect(dead_code, reason = "error.rs writes it; this is its shape for the document")]
struct ErrorBody {
    /// `error`; a scanner of the older protocol may get another word.
    status: String,
    /// What went wrong and what to do, for people.
    error: String,
    /// The same text, for older clients.
    message: String,
    /// A stable word for programs.
    code: String,
    /// Names the request in the log.
    request_id: String,
    /// Of a 422: what is wrong, by the field's name.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    fields: std::collections::BTreeMap<String, String>,
}

/// Of each access rule: its word in the document, and how to prove oneself.
fn proof(access: Access) -> (&'static str, Value) {
    let login = |role: &str| json!([{"bearer": [role]}, {"cookie": [role]}]);
    let signed = json!({"scanner": [], "scannerCounter": [], "scannerSignature": []});
    match access {
        Access::Public => ("public", json!([])),
        Access::LoggedIn => ("account", json!([{"bearer": []}, {"cookie": []}])),
        Access::Admin | Access::Operator => ("admin", login("admin")),
        Access::Teacher => ("teacher", login("teacher")),
        Access::Student => ("student", login("student")),
        Access::Device => ("scanner", json!([signed])),
        Access::AnyDevice => ("scanner", json!([signed, {}])),
        Access::OlderNode => ("server", json!([{"olderNode": []}])),
        Access::Node => ("server", json!([{"node": []}])),
    }
}

/// The document of all routes.
pub(crate) fn document(app: &App) -> Value {
    let mut routes = router::build(app);
    let lines: Vec<String> =
        routes.table.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let unknown = said::say(&lines, &mut routes.operations, &mut routes.schemas);
    let error = routes.schemas.written::<ErrorBody>();
    let mut paths = Map::new();
    for (route, operation) in routes.table.iter().zip(routes.operations) {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = write(route, operation, &error);
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "arise",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Attendance of classes. Ids are UUIDs as text; times are ISO 8601 with the institution's \
                offset; `*_on` and `date` are local dates.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [
            {"name": "public", "description": "Anybody"},
            {"name": "account", "description": "Anybody who is logged in"},
            {"name": "admin", "description": "Administrators"},
            {"name": "teacher", "description": "Teachers, for their own courses"},
            {"name": "student", "description": "Students, for themselves"},
            {"name": "scanner", "description": "Scanners"},
            {"name": "server", "description": "Other servers"},
        ],
        "paths": paths,
        "components": {
            "schemas": routes.schemas.definitions(),
            "responses": refusals(&error),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "arise_token"},
                "node": {"type": "http", "scheme": "ed25519",
                    "description": "The body is signed by the node's key; docs/SYNC.md has its layout"},
                "olderNode": {"type": "apiKey", "in": "header", "name": "X-Sync-API-Key"},
                "scanner": {"type": "apiKey", "in": "header", "name": "X-Arise-Device", "description": "The scanner's id"},
                "scannerCounter": {"type": "apiKey", "in": "header", "name": "X-Arise-Counter",
                    "description": "Rises with every request"},
                "scannerSignature": {"type": "apiKey", "in": "header", "name": "X-Arise-Signature",
                    "description": "hex(HMAC-SHA256(key, METHOD \\n path-with-query \\n counter \\n hex(SHA-256(body))))"},
            },
        },
    });
    // Entries of routes that there aren't any more: the test of this document fails for them.
    if !unknown.is_empty() {
        document["x-unknown"] = json!(unknown);
    }
    document
}

fn write(route: &Route, operation: Operation, error: &Value) -> Value {
    let (tag, security) = proof(route.access);
    let mut parameters = Vec::new();
    for name in variable_parts(route.path) {
        parameters.push(json!({
            "name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1},
        }));
    }
    parameters.extend(operation.parameters);
    let mut refusals = operation.refusals;
    // The disk may be full, and any request may take too long.
    refusals.insert(503);
    match route.access {
        Access::Public => {}
        Access::LoggedIn | Access::Admin | Access::Operator | Access::Teacher | Access::Student => {
            refusals.extend([401, 403]);
        }
        Access::Device | Access::AnyDevice => refusals.extend([400, 401, 413]),
        Access::OlderNode => refusals.extend([401, 403]),
        Access::Node => refusals.extend([400, 401, 403, 413]),
    }
    let mut answers = operation.answers;
    for status in refusals {
        match answers.get_mut(&status.to_string()) {
            None => {
                answers
                    .insert(status.to_string(), json!({"$ref": format!("#/components/responses/{status}")}));
            }
            // It has an answer of its own with this status, besides.
            Some(answer) => {
                let schema = &mut answer["content"]["application/json"]["schema"];
                *schema =
                    if schema.is_null() { error.clone() } else { json!({"anyOf": [schema.take(), error]}) };
            }
        }
    }
    let mut written = json!({
        "operationId": name_of(route),
        "summary": operation.summary,
        "tags": [tag],
        "security": security,
        "responses": answers,
    });
    if !parameters.is_empty() {
        written["parameters"] = json!(parameters);
    }
    if let Some(body) = operation.body {
        written["requestBody"] = body;
    }
    written
}

/// The answer of each status with which arise refuses.
fn refusals(error: &Value) -> Map<String, Value> {
    let answer = |status: u16| {
        let mut answer =
            json!({"description": meaning(status), "content": {"application/json": {"schema": error}}});
        if matches!(status, 429 | 503) {
            let seconds = json!({"description": "Seconds to wait", "schema": {"type": "integer"}});
            answer["headers"] = json!({"Retry-After": seconds});
        }
        (status.to_string(), answer)
    };
    [400, 401, 403, 404, 409, 410, 413, 422, 429, 503].into_iter().map(answer).collect()
}

fn variable_parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// `GET /api/admin/courses/{id}` is `get_admin_courses_id`.
fn name_of(route: &Route) -> String {
    let words = route.path.trim_start_matches("/api/").split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}_{}", route.method.as_str().to_lowercase(), words.join("_"))
}

static DOCUMENT: OnceLock<Bytes> = OnceLock::new();

/// The document as JSON.
pub(crate) async fn get(State(app): State<App>) -> ApiResult<Response> {
    let bytes = match DOCUMENT.get() {
        Some(bytes) => bytes.clone(),
        None => {
            let written = serde_json::to_vec(&document(&app))
                .map_err(|e| Error::internal(format!("the API document couldn't be written: {e}")))?;
            DOCUMENT.get_or_init(|| written.into()).clone()
        }
    };
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_parts_are_named() {
        assert_eq!(variable_parts("/api/x/{id}/y/{token}").collect::<Vec<_>>(), ["id", "token"]);
        assert_eq!(variable_parts("/api/x").count(), 0);
    }
}
