//! The API document as a page, for a classroom without internet.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use super::document;
use crate::app::App;

pub(crate) async fn page(State(app): State<App>) -> Response {
    let document = document(&app);
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], write(&document).into_string()).into_response()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn write(document: &Value) -> Markup {
    let paths = || document["paths"].as_object().into_iter().flatten();
    let of_tag = |tag: &str| {
        let all = paths().flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().map(move |(method, operation)| (path, method, operation))
        });
        all.filter(|(_, _, operation)| operation["tags"][0] == tag).collect::<Vec<_>>()
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "API · arise" }
                link rel="stylesheet" href="/docs.css";
            }
            body {
                header {
                    h1 { "API of arise " (text(&document["info"], "version")) }
                    p { (text(&document["info"], "description")) }
                    p { a href="/api/openapi.json" { "openapi.json" } }
                }
                main {
                    @for tag in document["tags"].as_array().into_iter().flatten() {
                        section {
                            h2 #(text(tag, "name")) { (text(tag, "description")) }
                            @for (path, method, operation) in of_tag(text(tag, "name")) {
                                (operation_of(document, path, method, operation))
                            }
                        }
                    }
                    section {
                        h2 #types { "Types" }
                        @for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
                            details #{ "type-" (name) } {
                                summary { (name) }
                                @if !text(schema, "description").is_empty() { p { (text(schema, "description")) } }
                                (shape(schema))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// An answer that many operations share stands in one place.
fn resolve<'a>(document: &'a Value, answer: &'a Value) -> &'a Value {
    let place = answer["$ref"].as_str().and_then(|path| document.pointer(path.trim_start_matches('#')));
    place.unwrap_or(answer)
}

fn operation_of(document: &Value, path: &str, method: &str, operation: &Value) -> Markup {
    html! {
        details #(text(operation, "operationId")) {
            summary {
                code { b { (method.to_uppercase()) } " " (path) } " "
                span { (text(operation, "summary")) }
            }
            @if let Some(parameters) = operation["parameters"].as_array() {
                h3 { "Takes" }
                dl {
                    @for parameter in parameters {
                        dt { code { (text(parameter, "name")) } " (" (text(parameter, "in")) ")" }
                        dd { (text(parameter, "description")) " " (kind(&parameter["schema"])) }
                    }
                }
            }
            @if let Some(body) = operation["requestBody"]["content"].as_object() {
                h3 { "Body" }
                @for (media, content) in body { p { code { (media) } } (shape(&content["schema"])) }
            }
            h3 { "Answers" }
            dl {
                @for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                    dt { (status) " · " (text(resolve(document, answer), "description")) }
                    dd {
                        @for (media, content) in resolve(document, answer)["content"].as_object().into_iter().flatten() {
                            p { code { (media) } " " (kind(&content["schema"])) }
                            @for (event, schema) in content["x-events"].as_object().into_iter().flatten() {
                                p { "event " code { (event) } " " (kind(schema)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The fields of an object, else its kind.
fn shape(schema: &Value) -> Markup {
    let Some(fields) = schema["properties"].as_object() else { return kind(schema) };
    html! {
        dl {
            @for (name, field) in fields {
                dt { code { (name) } }
                dd { (kind(field)) " " (text(field, "description")) }
            }
        }
    }
}

/// A type in a few words, with links to those that have a name.
fn kind(schema: &Value) -> Markup {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return html! { a href={ "#type-" (name) } { (name) } };
    }
    if let Some(any) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        return html! { @for (place, one) in any.iter().enumerate() { @if place > 0 { " or " } (kind(one)) } };
    }
    if let Some(words) = schema["enum"].as_array() {
        return html! { @for (place, word) in words.iter().enumerate() { @if place > 0 { " | " } code { (word.to_string()) } } };
    }
    if let Some(word) = schema.get("const") {
        return html! { code { (word.to_string()) } };
    }
    if schema.get("items").is_some() {
        return html! { "list of " (kind(&schema["items"])) };
    }
    match &schema["type"] {
        Value::String(word) => html! { code { (word) } },
        Value::Array(words) => {
            html! { @for (place, word) in words.iter().enumerate() { @if place > 0 { " or " } code { (word.as_str().unwrap_or_default()) } } }
        }
        _ => html! { "anything" },
    }
}
