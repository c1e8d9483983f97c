//! Routes that say who may call them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::app::App;
use crate::openapi::{Described, Operation, Schemas};
use crate::{authorize, upload};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    Public,
    /// Anybody who is logged in.
    LoggedIn,
    Admin,
    /// An administrator, or the program's own commands on this machine.
    Operator,
    Teacher,
    Student,
    /// A paired scanner, by its signature.
    Device,
    /// A paired scanner, or an approved one that speaks the older unsigned protocol.
    AnyDevice,
    /// A classroom's server of the older system, by its key.
    OlderNode,
    /// A node that joined this hub, by its signature.
    Node,
}

/// One line of the route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// With `{id}` for what varies.
    pub path: &'static str,
    pub access: Access,
}

/// The route table as it is being written. A route can't be added without saying who may call it.
pub(crate) struct Routes {
    app: App,
    router: Router<App>,
    pub(crate) table: Vec<Route>,
    /// What each route takes and gives, in the table's order.
    pub(crate) operations: Vec<Operation>,
    pub(crate) schemas: Schemas,
}

impl Routes {
    pub(crate) fn new(app: App) -> Self {
        Self { app, router: Router::new(), table: vec![], operations: vec![], schemas: Schemas::new() }
    }

    pub(crate) fn get<H, T, P>(&mut self, access: Access, path: &'static str, handler: H)
    where
        H: Handler<T, App> + Described<P>,
        T: 'static,
    {
        self.add::<H, P>(Method::GET, path, access, on(MethodFilter::GET, handler));
    }

    pub(crate) fn post<H, T, P>(&mut self, access: Access, path: &'static str, handler: H)
    where
        H: Handler<T, App> + Described<P>,
        T: 'static,
    {
        self.add::<H, P>(Method::POST, path, access, on(MethodFilter::POST, handler));
    }

    /// A route that takes larger bodies than others, in bytes.
    pub(crate) fn post_large<H, T, P>(&mut self, access: Access, path: &'static str, most: usize, handler: H)
    where
        H: Handler<T, App> + Described<P>,
        T: 'static,
    {
        let handler = on(MethodFilter::POST, handler)
            .layer(DefaultBodyLimit::max(most))
            .layer(from_fn(move |request, next| upload::must_fit(most, request, next)));
        self.add::<H, P>(Method::POST, path, access, handler);
    }

    pub(crate) fn put<H, T, P>(&mut self, access: Access, path: &'static str, handler: H)
    where
        H: Handler<T, App> + Described<P>,
        T: 'static,
    {
        self.add::<H, P>(Method::PUT, path, access, on(MethodFilter::PUT, handler));
    }

    pub(crate) fn delete<H, T, P>(&mut self, access: Access, path: &'static str, handler: H)
    where
        H: Handler<T, App> + Described<P>,
        T: 'static,
    {
        self.add::<H, P>(Method::DELETE, path, access, on(MethodFilter::DELETE, handler));
    }

    fn add<H: Described<P>, P>(
        &mut self,
        method: Method,
        path: &'static str,
        access: Access,
        handler: MethodRouter<App>,
    ) {
        let handler = match access {
            Access::Public => handler,
            Access::OlderNode => handler.layer(from_fn_with_state(self.app.clone(), authorize::older_node)),
            Access::Node => handler.layer(from_fn_with_state(self.app.clone(), authorize::node)),
            Access::Device | Access::AnyDevice => {
                handler.layer(from_fn_with_state((self.app.clone(), access), authorize::device))
            }
            _ => handler.layer(from_fn_with_state((self.app.clone(), access), authorize::person)),
        };
        self.router = std::mem::take(&mut self.router).route(path, handler);
        let mut operation = Operation::default();
        H::describe(&mut operation, &mut self.schemas);
        self.table.push(Route { method, path, access });
        self.operations.push(operation);
    }

    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }
}
