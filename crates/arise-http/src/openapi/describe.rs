//! What a handler takes and gives, read from its types, so that the API document can't say anything else.

use axum::Extension;
use axum::extract::{Form, Path, Query, Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::response::sse::Sse;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::answer::Created;
use crate::app::App;
use crate::device::{OlderAnswer, OlderQueueAnswer};
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Raw, Who};
use crate::list::Page;
use crate::sync::SyncFile;
use crate::upload::Upload;

/// Types by name, as bodies are read and as answers are written: a field with a default may be left out of the
/// one and is always in the other.
pub(crate) struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    pub(crate) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let written = settings.clone().for_serialize().into_generator();
        Self { read: settings.for_deserialize().into_generator(), written }
    }

    pub(crate) fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    pub(crate) fn written<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// A type without a reference to it: for the parts of a query.
    fn whole<T: JsonSchema>(&mut self) -> Schema {
        self.read.root_schema_for::<T>()
    }

    /// All types that were named. One that is read and written has the same shape in both, or two names.
    pub(crate) fn definitions(mut self) -> Map<String, Value> {
        let mut all = self.read.take_definitions(true);
        for (name, schema) in self.written.take_definitions(true) {
            let known = all.insert(name.clone(), schema.clone());
            debug_assert!(known.is_none_or(|known| known == schema), "two types are called {name}");
        }
        all
    }
}

/// One operation as it is being written.
#[derive(Debug, Default)]
pub(crate) struct Operation {
    /// What it is for, in a sentence; empty when nobody has said.
    pub(crate) summary: &'static str,
    pub(crate) parameters: Vec<Value>,
    pub(crate) body: Option<Value>,
    pub(crate) answers: Map<String, Value>,
    /// Statuses of errors.
    pub(crate) refusals: std::collections::BTreeSet<u16>,
}

impl Operation {
    /// One kind of an answer; a status may have several.
    pub(crate) fn answer(&mut self, status: u16, kind: &str, schema: &Value) {
        let answer = self
            .answers
            .entry(status.to_string())
            .or_insert_with(|| json!({"description": meaning(status), "content": {}}));
        answer["content"][kind] = json!({"schema": schema});
    }

    fn takes_body(&mut self, kind: &str, schema: &Value) {
        self.body = Some(json!({"required": true, "content": {kind: {"schema": schema}}}));
        self.refusals.extend([400, 413, 422]);
    }
}

pub(crate) fn meaning(status: u16) -> &'static str {
    match status {
        200 => "Done",
        201 => "Made",
        202 => "Begun; it goes on",
        400 => "The request can't be read",
        401 => "Nobody is logged in, or the signature is wrong",
        403 => "Not allowed to this caller",
        404 => "It doesn't exist, or was deleted",
        409 => "The present state forbids it",
        410 => "It is over",
        413 => "Too large",
        422 => "Fields whose values can't be accepted, by name",
        429 => "Too many tries; wait",
        503 => "Can't be done now; trying later may help",
        _ => "An answer",
    }
}

/// What a handler takes out of a request.
#[diagnostic::on_unimplemented(
    message = "the API document doesn't know what `{Self}` takes out of a request",
    note = "implement `Takes` for it in openapi/describe.rs"
)]
pub(crate) trait Takes {
    fn describe(operation: &mut Operation, schemas: &mut Schemas);
}

/// What a handler answers.
#[diagnostic::on_unimplemented(
    message = "the API document doesn't know what `{Self}` answers",
    note = "answer `Json` of a struct that derives `Serialize` and `JsonSchema`, or implement `Gives` for it"
)]
pub(crate) trait Gives {
    fn describe(operation: &mut Operation, schemas: &mut Schemas);
}

/// A handler whose parts are known.
#[diagnostic::on_unimplemented(
    message = "the API document doesn't know what the handler `{Self}` takes or answers",
    note = "answer `Json` of a struct that derives `Serialize` and `JsonSchema`, and derive `JsonSchema` for bodies and queries"
)]
pub(crate) trait Described<Parts> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas);
}

macro_rules! described {
    ($($part:ident),*) => {
        impl<Handler, Answering, Answer, $($part),*> Described<($($part,)*)> for Handler
        where
            Handler: Fn($($part),*) -> Answering,
            Answering: Future<Output = Answer>,
            Answer: Gives,
            $($part: Takes,)*
        {
            fn describe(operation: &mut Operation, schemas: &mut Schemas) {
                $($part::describe(operation, schemas);)*
                Answer::describe(operation, schemas);
            }
        }
    };
}

described!();
described!(A);
described!(A, B);
described!(A, B, C);
described!(A, B, C, D);
described!(A, B, C, D, E);
described!(A, B, C, D, E, F);
described!(A, B, C, D, E, F, G);

/// What comes from the server itself, or is of no concern to who calls.
macro_rules! takes_nothing {
    ($($taken:ty),*) => {$(
        impl Takes for $taken {
            fn describe(_: &mut Operation, _: &mut Schemas) {}
        }
    )*};
}

takes_nothing!(State<App>, Who, HeaderMap, Method, crate::online::Browser);

impl<T> Takes for Extension<T> {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

impl<T: Takes> Takes for Option<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        T::describe(operation, schemas);
    }
}

impl<T: Takes, E> Takes for std::result::Result<T, E> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        T::describe(operation, schemas);
    }
}

/// The name of the variable part comes from the route's path.
impl<T> Takes for Id<T> {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.refusals.extend([400, 404]);
    }
}

/// What is in it, its route says.
impl Takes for Request {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        Upload::describe(operation, schemas);
    }
}

impl Takes for Path<String> {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

fn describe_query<T: JsonSchema>(operation: &mut Operation, schemas: &mut Schemas) {
    let schema = schemas.whole::<T>().to_value();
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let mut property = property.clone();
        let mut parameter =
            json!({"name": name, "in": "query", "required": required.contains(&name.as_str())});
        if let Some(description) = property.as_object_mut().and_then(|p| p.remove("description")) {
            parameter["description"] = description;
        }
        parameter["schema"] = said(property);
        operation.parameters.push(parameter);
    }
}

/// A query has no `null`: what isn't said is left out.
fn said(mut property: Value) -> Value {
    if let Some(kinds) = property.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            property["type"] = only.clone();
        }
    }
    property
}

impl<T: JsonSchema> Takes for Params<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        describe_query::<T>(operation, schemas);
        operation.refusals.insert(400);
    }
}

/// Of a page, which overlooks what it can't read.
impl<T: JsonSchema> Takes for Query<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        describe_query::<T>(operation, schemas);
    }
}

impl<T: JsonSchema> Takes for Json<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let schema = schemas.read::<T>();
        operation.takes_body("application/json", &schema);
    }
}

/// What is in it, its route says.
impl Takes for Raw {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.takes_body("application/json", &json!({}));
    }
}

impl Takes for SyncFile {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        let file = json!({"type": "string", "contentMediaType": "application/octet-stream"});
        operation.takes_body("application/octet-stream", &file);
    }
}

impl<T: JsonSchema> Takes for Form<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let schema = schemas.read::<T>();
        operation.body = Some(
            json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}),
        );
    }
}

/// Which other fields there are, its route says.
impl Takes for Upload {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        let file = json!({"type": "string", "contentMediaType": "application/octet-stream"});
        let form = json!({"type": "object", "properties": {"file": file}, "required": ["file"]});
        operation.takes_body("multipart/form-data", &form);
    }
}

impl<T: Gives> Gives for ApiResult<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        T::describe(operation, schemas);
    }
}

impl<T: JsonSchema> Gives for Json<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let schema = schemas.written::<T>();
        operation.answer(200, "application/json", &schema);
    }
}

/// A list's answer also says how many rows there are on all pages.
impl<T: JsonSchema> Gives for Page<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        <Json<T> as Gives>::describe(operation, schemas);
        operation.answers["200"]["headers"] = json!({
            "X-Total-Count": {"description": "How many rows there are on all pages", "schema": {"type": "integer"}},
        });
    }
}

impl<T: JsonSchema> Gives for Created<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let schema = schemas.written::<T>();
        operation.answer(201, "application/json", &schema);
    }
}

impl Gives for OlderAnswer {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        <Json<Self> as Gives>::describe(operation, schemas);
    }
}

impl Gives for OlderQueueAnswer {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        <Json<Self> as Gives>::describe(operation, schemas);
    }
}

/// Its route says what it is.
impl Gives for Response {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

/// Which events there are, its route says.
impl<S> Gives for Sse<S> {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.answer(200, "text/event-stream", &json!({"type": "string"}));
    }
}
