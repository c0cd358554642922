//! A sync to be broken off: an API over a table, the options, and what the
//! disk must hold in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use highwater::cli::Options;
use highwater::disk::Disk;
use highwater::error::Result;
use highwater::load::Loader;
use highwater::session::{self, Receipt};
use serde_json::Value;

use crate::sim::{Image, Plan, Sim};
use crate::support::Scratch;
use crate::support::api::{Api, Date};
use crate::support::clock::{self, BASE, SECOND};
use crate::support::table::{Row, Table, Ties, user};

/// The folder of the outputs.
pub const OUT: &str = "/data/out";

/// What a scene is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    pub name: &'static str,
    pub rows: usize,
    pub page: usize,
    pub csv: bool,
    /// Every fifth row does not fit its columns, and is set aside.
    pub rejects: bool,
    /// The state is in another folder.
    pub apart: bool,
    /// A sync was there before, and rows have changed since.
    pub later: bool,
    /// The rows are younger than the lookback, so that they are all asked for
    /// again.
    pub fresh: bool,
    /// No columns are declared, and later rows have more fields.
    pub grows: bool,
}

pub const PLAIN: Plot = Plot {
    name: "plain",
    rows: 14,
    page: 4,
    csv: false,
    rejects: false,
    apart: false,
    later: false,
    fresh: false,
    grows: false,
};

pub const PLOTS: [Plot; 5] = [
    PLAIN,
    Plot {
        name: "csv, state apart",
        rows: 10,
        csv: true,
        apart: true,
        ..PLAIN
    },
    Plot {
        name: "later, rejects, state apart",
        rows: 18,
        page: 5,
        rejects: true,
        apart: true,
        later: true,
        ..PLAIN
    },
    Plot {
        name: "csv, rejects, fresh",
        rows: 10,
        csv: true,
        rejects: true,
        fresh: true,
        ..PLAIN
    },
    Plot {
        name: "later, fresh",
        rows: 20,
        page: 6,
        later: true,
        fresh: true,
        ..PLAIN
    },
];

/// An id and a timestamp, and how often there is a row of both.
type Versions = BTreeMap<(String, String), usize>;

/// Those of `a` that `b` has not as often.
fn without<'a>(a: &'a Versions, b: &Versions) -> Vec<(&'a (String, String), &'a usize)> {
    a.iter()
        .filter(|&(key, count)| b.get(key) != Some(count))
        .collect()
}

/// A plot, set up.
pub struct Scene {
    pub plot: Plot,
    pub api: Api,
    /// What was there before the sync that is to be broken off.
    pub before: Image,
    /// How often each version of each row must be there: once.
    versions: Versions,
    options: Options,
    /// What was recovered from already, and well.
    known: Mutex<BTreeSet<Image>>,
    _dir: Scratch,
}

fn scored(row: &Row) -> String {
    let user = user(row);
    let score = if row.serial % 5 == 3 { "\"many\"" } else { "7" };
    format!("{},\"score\":{score}}}", user.strip_suffix('}').unwrap())
}

/// From the sixth row on there is one more field, from the eleventh two.
fn growing(row: &Row) -> String {
    let user = user(row);
    let more = ["", ",\"a\":\"1\"", ",\"a\":\"1\",\"b\":\"2\""];
    let more = more[(row.serial as usize / 5).min(2)];
    format!("{}{more}}}", user.strip_suffix('}').unwrap())
}

fn is_bad(row: &Row) -> bool {
    row.serial % 5 == 3
}

impl Scene {
    pub fn set(plot: Plot) -> Self {
        let dir = Scratch::new();
        let mut table = Table::rendered_by(
            Ties::Insertion,
            match plot {
                Plot { rejects: true, .. } => scored,
                Plot { grows: true, .. } => growing,
                _ => user,
            },
        );
        for number in 0..plot.rows {
            table.insert(
                &(number + 1).to_string(),
                BASE + (number / 2) as i64 * SECOND,
            );
        }
        let api = Api::start(table);
        let newest = BASE + plot.rows as i64 * SECOND;
        api.set_date(Date::At(if plot.fresh {
            newest
        } else {
            newest + 86_400 * SECOND
        }));
        let mut words = vec![
            "sync".to_owned(),
            "-q".to_owned(),
            format!("--url={}", api.url()),
            format!("--page-size={}", plot.page),
            format!("--out={OUT}"),
        ];
        if plot.csv {
            words.push("--format=csv".to_owned());
        }
        if plot.apart {
            words.push("--state=/var/state/users.json".to_owned());
        }
        if plot.grows {
            let none = dir.write("connection.json", "{}");
            words.push(format!("--config={}", none.display()));
        }
        if plot.rejects {
            let columns = r#"{"on_bad_row":"reject","columns":{"id":"STRING","updatedAt":"UTC_DATETIME","address":"STRING","score":"LONG"}}"#;
            words.push(format!(
                "--config={}",
                dir.write("connection.json", columns).display()
            ));
        }
        let mut scene = Self {
            plot,
            api,
            before: Image::new(),
            versions: Versions::new(),
            options: Options::parse(words.into_iter().map(Into::into)).unwrap(),
            known: Mutex::default(),
            _dir: dir,
        };
        scene.expect_versions();
        if plot.later {
            let sim = Sim::new(&Image::new(), Plan::Nothing);
            scene.sync(&sim).unwrap();
            scene.before = sim.image();
            scene.verify(&scene.before).unwrap();
            let mut table = scene.api.table();
            for number in (1..plot.rows).step_by(2) {
                let at = newest + (number / 3) as i64 * SECOND;
                table.update(&number.to_string(), at);
            }
            for number in 0..4 {
                table.insert(&format!("new-{number}"), newest + number * 2 * SECOND);
            }
            drop(table);
            scene.expect_versions();
        }
        scene
    }

    /// From now on, the rows as they are must be delivered too.
    pub fn expect_versions(&mut self) {
        for row in self.api.table().rows() {
            let key = (row.id.to_string(), clock::rfc3339(row.updated));
            self.versions.insert(key, 1);
        }
    }

    pub fn state(&self) -> PathBuf {
        self.options.state_path().unwrap()
    }

    pub fn sync(&self, disk: &Sim) -> Result<Receipt> {
        // Either order has to do: the plots share them.
        disk.set_eager(self.plot.csv);
        self.sync_on(Arc::new(disk.clone()))
    }

    pub fn sync_on(&self, disk: Arc<dyn Disk>) -> Result<Receipt> {
        let (receipt, result) = session::run(&self.options, disk);
        result.map(|()| receipt.unwrap())
    }

    /// As [`Scene::sync`], with a consumer for its files.
    pub fn sync_into(&self, disk: &Sim, loader: &mut dyn Loader) -> Result<Receipt> {
        disk.set_eager(self.plot.csv);
        let disk = Arc::new(disk.clone());
        let (receipt, result) = session::run_with(&self.options, disk, Some(loader));
        result.map(|()| receipt.unwrap())
    }

    pub fn options_of(&self) -> Options {
        self.options.clone()
    }

    /// The options, to be changed.
    pub fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    /// What a kill leaves after two pages are committed and half of the third
    /// is written.
    pub fn under_way(&self) -> Image {
        let committed = |image: &Image| {
            let state = image.get(&self.state())?.as_ref()?;
            let state: Value = serde_json::from_slice(state).ok()?;
            let bytes = state["part"]["bytes"].as_u64().filter(|bytes| *bytes > 0)?;
            let part = image
                .iter()
                .find(|(path, _)| path.extension().is_some_and(|end| end == "part"))?;
            (part.1.as_ref()?.len() as u64 > bytes + 100).then_some(bytes)
        };
        let kills = self.kills().into_iter();
        let (_, image) = kills
            .filter_map(|image| Some((committed(&image)?, image)))
            .max_by_key(|(bytes, _)| *bytes)
            .unwrap();
        image
    }

    /// Syncs to the end over what is there, and looks at what came of it. What
    /// differs from an earlier one in the time of day only is not tried again.
    pub fn recover(&self, image: &Image) -> std::result::Result<(), String> {
        let timeless = timeless(image);
        if self.known.lock().unwrap().contains(&timeless) {
            return Ok(());
        }
        let sim = Sim::new(image, Plan::Nothing);
        let receipt = self
            .sync(&sim)
            .map_err(|error| format!("refused: {error}"))?;
        assert!(receipt.complete);
        self.verify(&sim.image())?;
        self.known.lock().unwrap().insert(timeless);
        Ok(())
    }

    /// The numbers of the operations that a sync over this changes it by.
    pub fn mutations(&self, image: &Image) -> Vec<usize> {
        let sim = Sim::new(image, Plan::Nothing);
        self.sync(&sim).unwrap();
        let log = sim.log();
        (0..log.len()).filter(|&at| log[at].mutates()).collect()
    }

    /// What a kill may leave, whenever it comes.
    pub fn kills(&self) -> Vec<Image> {
        let kill = |at| {
            let sim = Sim::new(&self.before, Plan::Kill { at, torn: true });
            assert!(self.sync(&sim).is_err());
            let image = sim.image();
            (timeless(&image), image)
        };
        let images: BTreeMap<Image, Image> =
            self.mutations(&self.before).into_iter().map(kill).collect();
        images.into_values().collect()
    }

    /// Whether each version of each row is there once, and nothing is half done.
    pub fn verify(&self, image: &Image) -> std::result::Result<(), String> {
        let mut found = Versions::new();
        let mut rejected = Vec::new();
        for (path, content) in image {
            let name = path.file_name().unwrap().to_string_lossy();
            let Some(bytes) = content else { continue };
            if name.ends_with(".part") || name.ends_with(".tmp") {
                return Err(format!("{name} is left"));
            }
            if path.parent() != Some(Path::new(OUT)) || !name.starts_with("user-") {
                continue;
            }
            if bytes.is_empty() {
                return Err(format!("{name} is empty"));
            }
            let rows = if name.ends_with(".csv") {
                csv_rows(bytes)
            } else {
                json_rows(bytes)
            };
            for row in rows.map_err(|why| format!("{name}: {why}"))? {
                let row = if name.ends_with(".rejected.ndjson") {
                    rejected.push(row["row"]["id"].to_string());
                    &row["row"]
                } else {
                    &row
                };
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                *found.entry((text("id"), text("updatedAt"))).or_default() += 1;
                let now = self
                    .api
                    .table()
                    .get(&text("id"))
                    .map(|row| row.json.clone());
                let now: Value = serde_json::from_str(&now.ok_or("a row from nowhere")?).unwrap();
                if now["updatedAt"] == row["updatedAt"] && now["address"] != row["address"] {
                    return Err(format!("{row} is not {now}"));
                }
            }
        }
        if found != self.versions {
            return Err(format!(
                "wanted {:?}, found {:?}",
                without(&self.versions, &found),
                without(&found, &self.versions)
            ));
        }
        if self.plot.rejects {
            let table = self.api.table();
            let bad = table
                .rows()
                .iter()
                .filter(|row| is_bad(row))
                .all(|row| rejected.contains(&format!("\"{}\"", row.id)));
            if !bad {
                return Err("a bad row is not among the rejects".to_owned());
            }
        }
        let Some(Some(state)) = image.get(&self.state()) else {
            return Err("no state".to_owned());
        };
        let state: Value = serde_json::from_slice(state).map_err(|error| error.to_string())?;
        let newest = clock::rfc3339(self.api.table().newest().unwrap());
        if state["last_updated_at"] != newest || !state["part"].is_null() {
            return Err(format!("the state is {state}"));
        }
        Ok(())
    }
}

/// With the stamps of the files numbered, in names and in the state.
pub fn timeless(image: &Image) -> Image {
    const STEM: &str = "user-";
    const LONG: usize = "user-20240115T103000Z".len();
    let mut stamps = BTreeSet::new();
    let mut collect = |text: &str| {
        stamps.extend(
            text.match_indices(STEM)
                .filter_map(|(at, _)| text.get(at..at + LONG))
                .map(str::to_owned),
        );
    };
    for (path, content) in image {
        collect(&path.to_string_lossy());
        if !path.to_string_lossy().contains(STEM) {
            collect(&String::from_utf8_lossy(
                content.as_deref().unwrap_or_default(),
            ));
        }
    }
    let number = |text: &str| {
        let numbered = stamps.iter().enumerate();
        numbered.fold(text.to_owned(), |text, (at, stamp)| {
            text.replace(stamp, &format!("{STEM}{at:016}"))
        })
    };
    let plain = |path: &PathBuf, content: &Option<Vec<u8>>| {
        let state = path.to_string_lossy();
        let content = match content {
            Some(bytes) if !state.contains(STEM) => {
                Some(number(&String::from_utf8_lossy(bytes)).into_bytes())
            }
            content => content.clone(),
        };
        (PathBuf::from(number(&state)), content)
    };
    image
        .iter()
        .map(|(path, content)| plain(path, content))
        .collect()
}

pub fn json_rows(bytes: &[u8]) -> std::result::Result<Vec<Value>, String> {
    if bytes.last() != Some(&b'\n') {
        return Err("half a line".to_owned());
    }
    let lines = bytes[..bytes.len() - 1].split(|byte| *byte == b'\n');
    lines
        .map(|line| serde_json::from_slice(line).map_err(|error| error.to_string()))
        .collect()
}

pub fn csv_rows(bytes: &[u8]) -> std::result::Result<Vec<Value>, String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        rows.push(
            header
                .iter()
                .zip(record.iter())
                .map(|(name, value)| (name.to_owned(), Value::from(value)))
                .collect(),
        );
    }
    Ok(rows)
}
