//! The built web UI. It knows files and paths; how they are served is the HTTP layer's business.

use std::borrow::Cow;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/dist"]
struct Dist;

/// One file of the UI, with its compressed twin when there is one.
#[derive(Debug, Clone)]
pub struct Asset {
    pub body: Cow<'static, [u8]>,
    pub gzip: Option<Cow<'static, [u8]>>,
    pub content_type: &'static str,
    /// The name has a hash of the content in it, so it may be cached for ever. Everything else is `no-cache`.
    pub immutable: bool,
}

/// The file at a path such as `/assets/teacher-x1y2.js` or `login.html`.
pub fn asset(path: &str) -> Option<Asset> {
    let path = path.strip_prefix('/').unwrap_or(path);
    // The compressed twins are reached through `gzip`, never by name.
    let content_type = content_type(path)?;
    let body = Dist::get(path)?.data;
    let gzip = Dist::get(&format!("{path}.gz")).map(|file| file.data);
    Some(Asset { body, gzip, content_type, immutable: path.starts_with("assets/") })
}

/// The page that shows a URL path: each of the UI's URLs belongs to one of its pages.
///
/// ```
/// assert_eq!(arise_web::page("/t/c/42/register"), Some("teacher.html"));
/// assert_eq!(arise_web::page("/t/s/42/project"), Some("projector.html"));
/// assert_eq!(arise_web::page("/api/health"), None);
/// ```
pub fn page(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    match (parts.next()?, parts.next(), parts.next(), parts.next(), parts.next()) {
        ("login", None, ..) => Some("login.html"),
        ("help", None, ..) => Some("help.html"),
        ("t", Some("s"), Some(_), Some("project"), None) => Some("projector.html"),
        ("t", ..) => Some("teacher.html"),
        ("a", ..) => Some("admin.html"),
        ("me", ..) => Some("student.html"),
        ("dev", Some("components"), None, ..) if cfg!(debug_assertions) => Some("components.html"),
        _ => None,
    }
}

/// Whether the UI is in here, and not the stub that `ARISE_SKIP_WEB=1` builds.
pub fn is_real() -> bool {
    cfg!(not(stub))
}

fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_url_of_the_ui_has_a_page() {
        for (path, expected) in [
            ("/login", Some("login.html")),
            ("/help", Some("help.html")),
            ("/t", Some("teacher.html")),
            ("/t/", Some("teacher.html")),
            ("/t/s/0192", Some("teacher.html")),
            ("/t/s/0192/project", Some("projector.html")),
            ("/t/s/0192/project/x", Some("teacher.html")),
            ("/t/c/0192/register", Some("teacher.html")),
            ("/a", Some("admin.html")),
            ("/a/students/0192", Some("admin.html")),
            ("/me", Some("student.html")),
            ("/me/leaderboard", Some("student.html")),
            ("/dev/components", cfg!(debug_assertions).then_some("components.html")),
            ("/dev", None),
            ("/", None),
            ("/login/x", None),
            ("/teapot", None),
            ("/api/session", None),
        ] {
            assert_eq!(page(path), expected, "{path}");
        }
    }

    #[test]
    fn every_page_is_a_file() {
        for path in ["/login", "/help", "/t", "/t/s/1/project", "/a", "/me"] {
            let file = asset(page(path).unwrap()).unwrap();
            assert_eq!(file.content_type, "text/html; charset=utf-8");
            assert!(!file.immutable);
            assert!(!file.body.is_empty());
        }
    }

    #[test]
    fn what_the_ui_does_not_have_is_none() {
        for path in ["", "/", "/assets/", "/../Cargo.toml", "/login.html.gz", "/nothing.js"] {
            assert!(asset(path).is_none(), "{path}");
        }
    }

    #[test]
    fn scripts_are_hashed_and_compressed() {
        if !is_real() {
            return;
        }
        let scripts: Vec<_> =
            Dist::iter().filter(|path| path.starts_with("assets/") && path.ends_with(".js")).collect();
        assert!(!scripts.is_empty());
        for path in scripts {
            let file = asset(&path).unwrap();
            assert!(file.immutable, "{path}");
            assert!(file.gzip.is_some_and(|gzip| gzip.starts_with(&[0x1f, 0x8b])), "{path}");
        }
    }
}
