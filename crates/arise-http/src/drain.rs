//! Lets a request finish sending although its answer is known already. A browser that is cut off in the middle
//! of an upload shows a network error instead of what it was told.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};

/// Bodies up to this size arrive with their head, as a rule.
const SMALL: u64 = 8 * 1024;
/// Whoever sends more is cut off.
const MOST: usize = 8 * 1024 * 1024;

/// What a handler left unread of a body.
#[derive(Clone, Default)]
pub(crate) struct Rest(Arc<Mutex<Option<Body>>>);

/// Keeps what the handler won't read of the body. Small bodies go through as they are.
pub(crate) fn tap(request: Request) -> (Request, Rest) {
    let rest = Rest::default();
    if request.body().size_hint().upper().is_some_and(|size| size <= SMALL) {
        return (request, rest);
    }
    let tapped = request.map(|body| Body::new(Tapped { body, rest: rest.clone() }));
    (tapped, rest)
}

impl Rest {
    pub(crate) async fn read(self, patience: Duration) {
        let rest = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(body) = rest else { return };
        let drained = async {
            let mut seen = 0;
            let mut chunks = body.into_data_stream();
            while let Some(Ok(chunk)) = chunks.next().await {
                seen += chunk.len();
                if seen > MOST {
                    return;
                }
            }
        };
        // Who sends no more is cut off, too.
        let _ = tokio::time::timeout(patience, drained).await;
    }
}

struct Tapped {
    body: Body,
    rest: Rest,
}

impl HttpBody for Tapped {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            let body = std::mem::take(&mut self.body);
            *self.rest.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}
