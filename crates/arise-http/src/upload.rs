//! Forms with a file.

use std::collections::HashMap;
use std::io::Write;

use arise_core::{Error, ErrorKind, Result};
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use crate::error::{ApiError, ApiResult};

/// The fields of a form, and its file.
pub(crate) struct Upload {
    file: Option<Bytes>,
    fields: HashMap<String, String>,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        let mut form = form(request, state).await?;
        let mut upload = Self { file: None, fields: HashMap::new() };
        while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
            let name = field.name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(|error| broken(&error))?;
            if name == "file" {
                upload.file = Some(bytes);
            } else {
                let text = String::from_utf8(bytes.to_vec());
                let text = text.map_err(|_| Error::malformed("bad_form", "This form isn't UTF-8 text."))?;
                upload.fields.insert(name, text);
            }
        }
        Ok(upload)
    }
}

impl Upload {
    /// # Errors
    /// `invalid_field` when the form has none.
    pub(crate) fn take_file(&mut self) -> Result<Bytes> {
        self.file.take().ok_or_else(|| Error::invalid("file", "Choose a file."))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Whether a switch of the form is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        is_on(self.text(name))
    }
}

/// Refuses at once what says itself that it is far too large; what is a little too large is refused when its
/// end was read, so that a browser shows why.
pub(crate) async fn must_fit(most: usize, request: Request, next: Next) -> ApiResult<Response> {
    const SOME_MORE: u64 = 8 * 1024 * 1024;
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > most as u64 + SOME_MORE) {
        return Err(too_large().into());
    }
    Ok(next.run(request).await)
}

fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "too_large", "This file is too large.")
}

/// Keeps a field's bytes in a file of its own, which goes away with the value. The disk is waited for elsewhere.
pub(crate) async fn to_file(field: &mut Field<'_>) -> Result<NamedTempFile> {
    let kept = |e: std::io::Error| {
        Error::unavailable("disk_error", format!("The file can't be kept meanwhile: {e}"))
    };
    let mut file = NamedTempFile::new().map_err(kept)?;
    let (chunks, mut arriving) = mpsc::channel::<Bytes>(8);
    let writing = tokio::task::spawn_blocking(move || {
        while let Some(chunk) = arriving.blocking_recv() {
            file.write_all(&chunk)?;
        }
        file.flush().map(|()| file)
    });
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
        if chunks.send(chunk).await.is_err() {
            break;
        }
    }
    drop(chunks);
    writing.await.map_err(|e| Error::internal(format!("a file couldn't be kept: {e}")))?.map_err(kept)
}

/// How forms and addresses say yes.
pub(crate) fn is_on(word: &str) -> bool {
    matches!(word.trim().to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes")
}

pub(crate) async fn form<S: Send + Sync>(request: Request, state: &S) -> Result<Multipart> {
    Multipart::from_request(request, state).await.map_err(|_| {
        Error::malformed("bad_form", "Send the file as a form (multipart/form-data), in the field “file”.")
    })
}

pub(crate) fn broken(error: &MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Error::malformed("bad_form", "The form broke off or can't be read. Send it again.")
}
