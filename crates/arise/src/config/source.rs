//! Where values come from. The first source that has a value of a setting decides: flags, the environment, `.env`,
//! `arise.toml`, the default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::setting::{self, Kind, SETTINGS, Setting};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Environment,
    /// A `.env` or `arise.toml`.
    File(PathBuf),
    /// Set because the hosting service of this name runs us.
    Render,
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Render => f.write_str("RENDER in the environment"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The text of a setting and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// What one source says, by key.
pub(crate) type Layer = BTreeMap<&'static str, Said>;

/// What is said, and what is strange about it without being wrong.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub(crate) values: Layer,
    pub(crate) notes: Vec<String>,
}

impl Layers {
    /// Values of `layer` count where nothing was said before.
    fn add(&mut self, layer: Layer) {
        for (key, said) in layer {
            self.values.entry(key).or_insert(said);
        }
    }
}

/// Collects what all sources say. `config` is a TOML file that must be there.
///
/// # Errors
/// When a file can't be read, or a name in one isn't that of a setting.
pub(crate) fn collect(
    flags: Layer,
    config: Option<&Path>,
    environment: &BTreeMap<String, String>,
    places: &[PathBuf],
) -> anyhow::Result<Layers> {
    let mut layers = Layers { values: flags, notes: vec![] };
    layers.add(from_environment(environment)?);
    if let Some(path) = first_there(places, ".env") {
        let (layer, notes) = from_dotenv(&path)?;
        layers.add(layer);
        layers.notes.extend(notes);
    }
    let toml = match config {
        Some(path) => Some(path.to_owned()),
        None => first_there(places, "arise.toml"),
    };
    if let Some(path) = toml {
        layers.add(from_toml(&path)?);
    }
    if environment.contains_key("RENDER") {
        let said = Said { text: "true".to_owned(), source: Source::Render };
        layers.add(Layer::from([("hub", said)]));
    }
    for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
        let said = Said { text: setting.default.to_owned(), source: Source::Default };
        layers.add(Layer::from([(setting.key, said)]));
    }
    Ok(layers)
}

fn first_there(places: &[PathBuf], name: &str) -> Option<PathBuf> {
    places.iter().map(|place| place.join(name)).find(|path| path.is_file())
}

/// A variable without a value is as good as none: that is how container files leave settings out.
fn from_environment(environment: &BTreeMap<String, String>) -> anyhow::Result<Layer> {
    if let Some(name) = environment.keys().find(|name| setting::is_unknown(name)) {
        bail!("{name} in the environment isn't a setting of arise.{}", meant(setting::nearest_env(name)));
    }
    let said = |setting: &'static Setting| {
        let text = environment.get(setting.env).filter(|text| !text.is_empty())?;
        Some((setting.key, Said { text: text.clone(), source: Source::Environment }))
    };
    Ok(SETTINGS.iter().filter_map(said).collect())
}

/// A `.env` may be shared with other programs: what isn't ours is left alone, unless it looks mistyped.
fn from_dotenv(path: &Path) -> anyhow::Result<(Layer, Vec<String>)> {
    let (mut layer, mut notes) = (Layer::new(), vec![]);
    let text = read(path)?;
    for pair in dotenvy::from_read_iter(text.as_bytes()) {
        let (name, value) = pair.with_context(|| format!("{} can't be read", path.display()))?;
        let Some(setting) = setting::by_env(&name) else {
            let near = setting::nearest_env(&name);
            if setting::is_unknown(&name) || near.is_some() {
                bail!("{name} in {} isn't a setting of arise.{}", path.display(), meant(near));
            }
            notes.push(format!("{name} in {} isn't a setting of arise and is left alone.", path.display()));
            continue;
        };
        if !value.is_empty() {
            layer.insert(setting.key, in_file(setting, value, path));
        }
    }
    Ok((layer, notes))
}

fn from_toml(path: &Path) -> anyhow::Result<Layer> {
    let table: toml::Table = read(path)?.parse().with_context(|| format!("{} isn't TOML", path.display()))?;
    let mut layer = Layer::new();
    for (key, value) in table {
        let Some(setting) = setting::by_key(&key) else {
            bail!(
                "“{key}” in {} isn't a setting of arise.{}",
                path.display(),
                meant(setting::nearest_key(&key))
            );
        };
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(switch) => switch.to_string(),
            toml::Value::Array(items) if setting.kind == Kind::List => items
                .iter()
                .map(|item| item.as_str().context("not a text"))
                .collect::<anyhow::Result<Vec<_>>>()
                .with_context(|| format!("“{key}” in {} must be a list of texts", path.display()))?
                .join(","),
            _ => bail!("“{key}” in {} must be a text, a whole number, true or false", path.display()),
        };
        layer.insert(setting.key, in_file(setting, text, path));
    }
    Ok(layer)
}

/// Paths in a file are meant from the file's folder, so that a stick works wherever it is plugged in.
fn in_file(setting: &Setting, text: String, path: &Path) -> Said {
    let text = match (setting.kind, path.parent()) {
        (Kind::Path, Some(folder)) => folder.join(&text).to_string_lossy().into_owned(),
        _ => text,
    };
    Said { text, source: Source::File(path.to_owned()) }
}

/// A file as text. Windows' editor begins one with a mark that isn't part of it.
fn read(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn meant(near: Option<&str>) -> String {
    near.map(|near| format!(" Did you mean {near}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Layer {
        Layer::from([("port", Said { text: text.into(), source: Source::Flag })])
    }

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn port(layers: &Layers) -> (&str, &Source) {
        let said = &layers.values["port"];
        (said.text.as_str(), &said.source)
    }

    #[test]
    fn flags_go_before_the_environment_then_dotenv_then_toml_then_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let places = [folder.path().to_owned()];
        let none = environment(&[("PORT", "")]);
        assert_eq!(port(&collect(Layer::new(), None, &none, &places).unwrap()), ("5000", &Source::Default));

        let toml = folder.path().join("arise.toml");
        std::fs::write(
            &toml,
            "\u{feff}port = 5001\nallow_origin = [\"https://a\", \"https://b\"]\ndata = \"d\"",
        )
        .unwrap();
        let layers = collect(Layer::new(), None, &none, &places).unwrap();
        assert_eq!(port(&layers), ("5001", &Source::File(toml)));
        assert_eq!(layers.values["allow_origin"].text, "https://a,https://b");
        assert_eq!(layers.values["data"].text, folder.path().join("d").to_string_lossy());

        let dotenv = folder.path().join(".env");
        std::fs::write(&dotenv, "# ours\nPORT=5002\nTWILIO_TOKEN=x\nHOST=''\n").unwrap();
        let layers = collect(Layer::new(), None, &none, &places).unwrap();
        assert_eq!(port(&layers), ("5002", &Source::File(dotenv)));
        assert_eq!(layers.values["host"].source, Source::Default);
        assert_eq!(layers.notes.len(), 1, "{:?}", layers.notes);

        let some = environment(&[("PORT", "5003"), ("RENDER", "1"), ("PATH", "/bin")]);
        let layers = collect(Layer::new(), None, &some, &places).unwrap();
        assert_eq!(port(&layers), ("5003", &Source::Environment));
        assert_eq!(layers.values["hub"], Said { text: "true".into(), source: Source::Render });

        assert_eq!(port(&collect(said("5004"), None, &some, &places).unwrap()), ("5004", &Source::Flag));
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        let folder = tempfile::tempdir().unwrap();
        let places = [folder.path().to_owned()];
        let refused = |environment: &[(&str, &str)]| {
            let pairs = self::environment(environment);
            format!("{:#}", collect(Layer::new(), None, &pairs, &places).unwrap_err())
        };
        let error = refused(&[("ARISE_DTA", "x")]);
        assert!(error.contains("ARISE_DTA in the environment") && error.contains("ARISE_DATA?"), "{error}");

        std::fs::write(folder.path().join(".env"), "SECRET_KYE=x\n").unwrap();
        let error = refused(&[]);
        assert!(error.contains("SECRET_KYE in ") && error.contains("mean SECRET_KEY?"), "{error}");
        std::fs::remove_file(folder.path().join(".env")).unwrap();

        let toml = folder.path().join("arise.toml");
        for (text, parts) in [
            ("CLOUD_SERVER_URL = \"x\"", ["“CLOUD_SERVER_URL”", "mean cloud_url?"]),
            ("colour = 1", ["“colour”", "isn't a setting"]),
            ("[server]\nport = 1", ["“server”", "isn't a setting"]),
            ("port = 1.5", ["“port”", "whole number"]),
            ("port = ", ["isn't TOML", "arise.toml"]),
        ] {
            std::fs::write(&toml, text).unwrap();
            let error = refused(&[]);
            assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
        }
        let missing = folder.path().join("nowhere.toml");
        assert!(collect(Layer::new(), Some(&missing), &BTreeMap::new(), &[]).is_err());
    }
}
