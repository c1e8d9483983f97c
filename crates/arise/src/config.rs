//! What belongs to this machine. Flags go before environment variables, and those before defaults.

use std::path::{Path, PathBuf};

use anyhow::Context;
use arise_http::NodeType;
use arise_store::Location;
use clap::Args;

#[derive(Args, Debug, Clone)]
pub(crate) struct Serve {
    /// Address to listen on.
    #[arg(long, env = "HOST", default_value = "0.0.0.0")]
    pub(crate) host: String,
    /// Port to listen on; 0 for any free one.
    #[arg(long, env = "PORT", default_value_t = 5000)]
    pub(crate) port: u16,
    /// Folder of the database and logs [default: `data` beside the program].
    #[arg(long, env = "ARISE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// The SQLite file, when it isn't `arise.db` in the data folder.
    #[arg(long, env = "DATABASE_PATH")]
    pub(crate) database_path: Option<PathBuf>,
    /// A PostgreSQL database instead of a file: postgres://user:password@host:port/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Run as the hub, which offers online classes.
    #[arg(long, env = "IS_CLOUD_SERVER", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1,
          default_missing_value = "true", default_value = "false")]
    pub(crate) hub: bool,
    /// The hub's address, for a classroom's server.
    #[arg(long, env = "CLOUD_SERVER_URL")]
    pub(crate) cloud_url: Option<String>,
    /// Signs logins; the database's own random key when it isn't set.
    #[arg(long, env = "SECRET_KEY", hide_env_values = true)]
    pub(crate) secret_key: Option<String>,
    /// Password of the first administrator; a random one is printed when it isn't set.
    #[arg(long, env = "ADMIN_DEFAULT_PASSWORD", hide_env_values = true)]
    pub(crate) admin_password: Option<String>,
    /// The institution's time zone, set at the first start.
    #[arg(long, env = "TIMEZONE")]
    pub(crate) time_zone: Option<String>,
    /// Another site whose pages may call this server, as https://host; may be repeated.
    #[arg(long = "allow-origin", env = "ARISE_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub(crate) allowed_origins: Vec<String>,
    /// File to write the address to, as JSON, once the server answers.
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
}

impl Serve {
    /// The data folder, made if it isn't there. Beside the program by default, so that a stick with both
    /// works wherever it is plugged in.
    pub(crate) fn data_folder(&self) -> anyhow::Result<PathBuf> {
        let folder = match &self.data {
            Some(folder) => folder.clone(),
            None => beside_program("data")?,
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("the data folder {} can't be made", folder.display()))?;
        Ok(folder)
    }

    pub(crate) fn location(&self, data: &Path) -> Location {
        match (&self.database_url, &self.database_path) {
            (Some(url), _) => Location::Postgres(url.clone()),
            (None, Some(path)) => Location::File(path.clone()),
            (None, None) => Location::File(data.join("arise.db")),
        }
    }

    pub(crate) fn http(&self) -> arise_http::Config {
        // RENDER is set by the hosting service of that name, where arise is always the hub.
        let hub = self.hub || std::env::var_os("RENDER").is_some();
        arise_http::Config {
            node_type: if hub { NodeType::Cloud } else { NodeType::Local },
            secret_key: self.secret_key.clone().unwrap_or_default(),
            cloud_url: self.cloud_url.clone(),
            allowed_origins: self.allowed_origins.clone(),
        }
    }
}

fn beside_program(name: &str) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("the program's own place can't be found")?;
    Ok(program.parent().unwrap_or(Path::new(".")).join(name))
}
