//! The table of settings: each has one key, one environment variable and one flag.

/// What a setting's text has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A file or folder.
    Path,
    /// `true` or `false`; `1`, `0`, `yes`, `no`, `on` and `off` too.
    Switch,
    /// A whole number from `least` to `most`.
    Number {
        least: u64,
        most: u64,
    },
    /// Several, with commas between them.
    List,
}

#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name in `arise.toml`. The flag is the same with hyphens.
    pub(crate) key: &'static str,
    /// Its name in the environment and in `.env`.
    pub(crate) env: &'static str,
    pub(crate) kind: Kind,
    /// What holds when nobody says anything; empty when nothing does.
    pub(crate) default: &'static str,
    /// Never shown.
    pub(crate) secret: bool,
    pub(crate) help: &'static str,
}

const fn setting(
    key: &'static str,
    env: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { key, env, kind, default, secret: false, help }
}

const fn secret(key: &'static str, env: &'static str, help: &'static str) -> Setting {
    Setting { key, env, kind: Kind::Text, default: "", secret: true, help }
}

const fn number(least: u64, most: u64) -> Kind {
    Kind::Number { least, most }
}

pub(crate) const SETTINGS: &[Setting] = &[
    setting("host", "HOST", Kind::Text, "0.0.0.0", "Address to listen on"),
    setting("port", "PORT", number(0, 65_535), "5000", "Port to listen on; 0 for any free one"),
    setting(
        "data",
        "ARISE_DATA",
        Kind::Path,
        "",
        "Folder of the database, backups and logs; `data` beside the program when it isn't set",
    ),
    setting(
        "database_path",
        "DATABASE_PATH",
        Kind::Path,
        "",
        "The SQLite file, when it isn't `arise.db` in the data folder",
    ),
    secret(
        "database_url",
        "DATABASE_URL",
        "A PostgreSQL database instead of a file: postgres://user:password@host:port/database",
    ),
    setting(
        "hub",
        "IS_CLOUD_SERVER",
        Kind::Switch,
        "false",
        "Run as the hub, which offers online classes; always so where RENDER is set",
    ),
    setting("cloud_url", "CLOUD_SERVER_URL", Kind::Text, "", "The hub's address, for a classroom's server"),
    setting(
        "cloud_ca",
        "CLOUD_SERVER_CA",
        Kind::Path,
        "",
        "File (PEM) with the certificate of the authority that signed the hub's, when this machine doesn't know it",
    ),
    secret("secret_key", "SECRET_KEY", "Signs logins; the database's own random key when it isn't set"),
    secret(
        "admin_password",
        "ADMIN_DEFAULT_PASSWORD",
        "Password of the first administrator; a random one is printed when it isn't set",
    ),
    setting("time_zone", "TIMEZONE", Kind::Text, "", "The institution's time zone, set at the first start"),
    secret(
        "sync_api_key",
        "SYNC_API_KEY",
        "Key of a classroom that still runs the older system, or room1=key1,room2=key2; refused when it isn't set",
    ),
    setting(
        "sync_interval_seconds",
        "SYNC_INTERVAL_SECONDS",
        number(0, 86_400),
        "300",
        "Seconds from one exchange with the hub to the next; 0 for only when asked",
    ),
    setting(
        "allow_origin",
        "ARISE_ALLOWED_ORIGINS",
        Kind::List,
        "",
        "Other sites whose pages may call this server, as https://host, with commas between them",
    ),
    setting(
        "proxies",
        "ARISE_PROXIES",
        number(0, 10),
        "0",
        "How many proxies stand in front and add to X-Forwarded-For, which tells where a mark came from",
    ),
    setting("log", "ARISE_LOG", Kind::Text, "info", "How much is logged: error, warn, info, debug or trace"),
    setting(
        "backups",
        "ARISE_BACKUPS",
        Kind::Path,
        "",
        "Folder of the backups; `backups` in the data folder when it isn't set",
    ),
    setting(
        "backups_kept",
        "ARISE_BACKUPS_KEPT",
        number(1, 1_000),
        "10",
        "Backups that are kept; older ones go",
    ),
    setting(
        "backup_hours",
        "ARISE_BACKUP_HOURS",
        number(0, 8_760),
        "24",
        "Hours from one automatic backup to the next; 0 for none",
    ),
    setting(
        "min_free_mb",
        "ARISE_MIN_FREE_MB",
        number(0, 1_000_000),
        "64",
        "Free megabytes of the data folder below which only marks are still taken",
    ),
];

/// Variables of the build and of tests, which aren't settings.
const OTHERS: &[&str] = &["ARISE_CONFIG", "ARISE_SKIP_WEB", "ARISE_COMPONENTS", "ARISE_E2E", "ARISE_TEST_"];

impl Setting {
    pub(crate) fn flag(&self) -> String {
        self.key.replace('_', "-")
    }
}

pub(crate) fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

pub(crate) fn by_env(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.env == name)
}

/// Whether a variable looks like a setting of arise and isn't one.
pub(crate) fn is_unknown(name: &str) -> bool {
    name.starts_with("ARISE_")
        && by_env(name).is_none()
        && !OTHERS.iter().any(|other| name == *other || (other.ends_with('_') && name.starts_with(other)))
}

/// The variable that somebody may have meant by this name.
pub(crate) fn nearest_env(name: &str) -> Option<&'static str> {
    nearest(name, SETTINGS.iter().map(|setting| setting.env))
}

/// The key that somebody may have meant: a mistyped one, or the variable of the same setting.
pub(crate) fn nearest_key(name: &str) -> Option<&'static str> {
    let upper = name.to_uppercase().replace('-', "_");
    let same = by_env(&upper).or_else(|| by_key(&name.to_lowercase().replace('-', "_")));
    same.map(|setting| setting.key)
        .or_else(|| nearest(&name.to_lowercase(), SETTINGS.iter().map(|setting| setting.key)))
        .or_else(|| nearest_env(&upper).and_then(by_env).map(|setting| setting.key))
}

fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_once() {
        for (index, setting) in SETTINGS.iter().enumerate() {
            let others = &SETTINGS[index + 1..];
            assert!(others.iter().all(|o| o.key != setting.key && o.env != setting.env), "{}", setting.key);
        }
    }

    #[test]
    fn every_setting_is_explained() {
        let text = include_str!("../../../../docs/OPERATIONS.md");
        for setting in SETTINGS {
            let row = format!("| `{}` | `{}` | ", setting.key, setting.env);
            assert!(text.contains(&row), "{row} isn't in docs/OPERATIONS.md");
        }
    }

    #[test]
    fn a_mistyped_name_finds_the_right_one() {
        for (typed, meant) in [
            ("prot", Some("port")),
            ("database-path", Some("database_path")),
            ("CLOUD_SERVER_URL", Some("cloud_url")),
            ("cloud_server_url", Some("cloud_url")),
            ("backup_kept", Some("backups_kept")),
            ("colour", None),
        ] {
            assert_eq!(nearest_key(typed), meant, "{typed}");
        }
        assert_eq!(nearest_env("SECRETKEY"), Some("SECRET_KEY"));
        assert_eq!(nearest_env("PATH"), None);
    }

    #[test]
    fn only_arise_s_own_variables_are_judged() {
        assert!(is_unknown("ARISE_LOGS"));
        for name in ["ARISE_LOG", "ARISE_SKIP_WEB", "ARISE_TEST_POSTGRES", "PATH", "LOGS"] {
            assert!(!is_unknown(name), "{name}");
        }
    }
}
