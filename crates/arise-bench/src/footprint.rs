//! What the program costs before anybody uses it.

use std::path::Path;

use crate::figures::{Bar, Times};
use crate::server::{Server, program};

const STARTS: usize = 5;

pub(crate) fn measure(data: &Path) -> anyhow::Result<Vec<Bar>> {
    let mut starts = Vec::new();
    let mut resident = 0.0;
    for _ in 0..STARTS {
        let server = Server::arise(data)?;
        starts.push(server.started_in);
        resident = server.resident_mb()?;
    }
    let start = Times::new(starts).percentile(50);
    #[expect(clippy::cast_precision_loss, reason = "a file's size in MB")]
    let size = std::fs::metadata(program()?)?.len() as f64 / 1_048_576.0;
    Ok(vec![
        Bar {
            what: "cold start to the first healthy answer, existing database".into(),
            measured: format!("{start:.0} ms"),
            bar: "≤ 150 ms".into(),
            met: start <= 150.0,
        },
        Bar {
            what: "resident memory, idle".into(),
            measured: format!("{resident:.1} MB"),
            bar: "≤ 40 MB".into(),
            met: resident <= 40.0,
        },
        Bar {
            what: "release binary".into(),
            measured: format!("{size:.1} MB"),
            bar: "≤ 30 MB".into(),
            met: size <= 30.0,
        },
    ])
}
