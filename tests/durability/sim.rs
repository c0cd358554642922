//! A disk in memory that tells what was asked of it, can die or fail at any
//! operation, and knows what a power cut would leave.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use highwater::disk::{Append, Disk, Entry, Lock, Open, Syncing};

/// What is on a disk: the content of each file, None for a folder.
pub type Image = BTreeMap<PathBuf, Option<Vec<u8>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    CreateFolder,
    Canonical,
    Entry,
    Names,
    Read,
    Open,
    ReadRange,
    Create,
    Overwrite,
    Truncate,
    Rename,
    Remove,
    Lock,
    Write,
    SyncFolder,
    SyncData,
    SyncAll,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    pub kind: Kind,
    /// Of a rename, where it goes.
    pub path: PathBuf,
    pub failed: bool,
}

impl Op {
    /// Whether it leaves something changed.
    pub fn mutates(&self) -> bool {
        use Kind::{Canonical, Entry, Names, Open, Read, ReadRange};
        !matches!(
            self.kind,
            Canonical | Entry | Names | Read | Open | ReadRange
        )
    }

    pub fn ends(&self, end: &str) -> bool {
        self.path.to_string_lossy().ends_with(end)
    }

    pub fn syncs(&self) -> bool {
        matches!(self.kind, Kind::SyncFolder | Kind::SyncData | Kind::SyncAll)
    }
}

/// What goes wrong. Operations count from 0.
#[derive(Clone, Copy)]
pub enum Plan {
    Nothing,
    /// The process dies before this operation, or in the middle of it.
    Kill {
        at: usize,
        torn: bool,
    },
    /// This one fails with this error number; a write is half done by then.
    Fail {
        at: usize,
        errno: i32,
    },
    /// Syncs of this kind do nothing: the sync that fits, with what came before.
    Skip(fn(&[Op], &Op) -> bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Clone, Default)]
struct Inode {
    now: Vec<u8>,
    /// What a power cut cannot take.
    safe: Vec<u8>,
    /// A sync failed: the pages count as clean, and no later one writes them.
    spoilt: bool,
}

/// What a cut leaves of a file.
type Content = dyn Fn(&Inode) -> Vec<u8>;

/// A change of names that a power cut may still undo.
#[derive(Clone)]
struct Change {
    folder: PathBuf,
    sets: Vec<(PathBuf, Option<Node>)>,
}

/// All that is on the disk, and what of it is durable.
#[derive(Clone, Default)]
pub struct World {
    inodes: Vec<Inode>,
    now: BTreeMap<PathBuf, Node>,
    safe: BTreeMap<PathBuf, Node>,
    pending: Vec<Change>,
}

impl World {
    pub fn of(image: &Image) -> Self {
        let mut world = Self::default();
        for (path, content) in image {
            let node = match content {
                None => Node::Folder,
                Some(bytes) => {
                    let (now, safe) = (bytes.clone(), bytes.clone());
                    world.inodes.push(Inode {
                        now,
                        safe,
                        spoilt: false,
                    });
                    Node::File(world.inodes.len() - 1)
                }
            };
            world.now.insert(path.clone(), node);
        }
        world.safe = world.now.clone();
        world
    }

    fn change(&mut self, folder: &Path, sets: Vec<(PathBuf, Option<Node>)>) {
        let change = Change {
            folder: folder.to_owned(),
            sets,
        };
        apply(&mut self.now, &change);
        self.pending.push(change);
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.now.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Folder) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    /// What a process sees.
    pub fn image(&self) -> Image {
        self.imagine(&self.now, &|inode| inode.now.clone())
    }

    fn imagine(&self, names: &BTreeMap<PathBuf, Node>, content: &Content) -> Image {
        let mut image = Image::new();
        for (path, node) in names {
            // What is in a folder that was lost is lost with it.
            let above = path.parent().unwrap();
            if above != Path::new("/") && image.get(above) != Some(&None) {
                continue;
            }
            let content = match node {
                Node::Folder => None,
                Node::File(inode) => Some(content(&self.inodes[*inode])),
            };
            image.insert(path.clone(), content);
        }
        image
    }

    /// What a power cut may leave: of the names that are not durable none, all,
    /// the first so many, one alone, or all but one; of the contents nothing,
    /// everything, or NULs from somewhere on.
    pub fn cuts(&self) -> BTreeSet<Image> {
        let count = self.pending.len();
        let mut choices: BTreeSet<Vec<usize>> = BTreeSet::new();
        for at in 0..=count {
            choices.insert((0..at).collect());
            choices.insert((at..count).collect());
            choices.insert((at..count.min(at + 1)).collect());
            choices.insert((0..count).filter(|&other| other != at).collect());
        }
        let lost = |inode: &Inode| inode.safe.clone();
        let kept = |inode: &Inode| inode.now.clone();
        let torn = |inode: &Inode| {
            let mut bytes = inode.now.clone();
            let whole = bytes
                .iter()
                .zip(&inode.safe)
                .take_while(|(a, b)| a == b)
                .count();
            let from = whole + (bytes.len() - whole) / 2;
            bytes[from..].fill(0);
            bytes
        };
        let contents: [&Content; 3] = [&lost, &kept, &torn];
        let mut images = BTreeSet::new();
        for choice in choices {
            let mut names = self.safe.clone();
            for at in choice {
                apply(&mut names, &self.pending[at]);
            }
            images.extend(contents.map(|content| self.imagine(&names, content)));
        }
        images
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Node>, change: &Change) {
    for (path, node) in &change.sets {
        match node {
            Some(node) => names.insert(path.clone(), *node),
            None => names.remove(path),
        };
    }
}

struct Inner {
    world: World,
    plan: Plan,
    log: Vec<Op>,
    dead: bool,
    eager: bool,
    shots: Vec<World>,
}

/// The disk.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<Inner>>);

enum Verdict {
    Go,
    Skip,
    Half(io::Error),
}

impl Sim {
    pub fn new(image: &Image, plan: Plan) -> Self {
        Self::over(World::of(image), plan)
    }

    pub fn over(world: World, plan: Plan) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            world,
            plan,
            log: Vec::new(),
            dead: false,
            eager: false,
            shots: Vec::new(),
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub fn world(&self) -> World {
        self.inner().world.clone()
    }

    pub fn image(&self) -> Image {
        self.inner().world.image()
    }

    pub fn log(&self) -> Vec<Op> {
        self.inner().log.clone()
    }

    /// The disk before each operation that changed it, and at the end.
    pub fn shots(&self) -> Vec<World> {
        let inner = self.inner();
        let mut shots = inner.shots.clone();
        shots.push(inner.world.clone());
        shots
    }

    /// Whether what was planned happened.
    pub fn struck(&self) -> bool {
        let inner = self.inner();
        inner.dead || inner.log.iter().any(|op| op.failed)
    }

    /// Another process takes a file away for good.
    pub fn take_away(&self, path: &Path) {
        let world = &mut self.inner().world;
        world.now.remove(path);
        world.safe.remove(path);
        for change in &mut world.pending {
            change.sets.retain(|(set, _)| set != path);
        }
    }

    /// Whether what is synced aside is done at once, or when it is waited for.
    pub fn set_eager(&self, eager: bool) {
        self.inner().eager = eager;
    }

    fn step(&self, kind: Kind, path: &Path) -> io::Result<(MutexGuard<'_, Inner>, Verdict)> {
        let mut inner = self.inner();
        let gone = || io::Error::other("the process is dead");
        if inner.dead {
            return Err(gone());
        }
        let at = inner.log.len();
        let mut op = Op {
            kind,
            path: path.to_owned(),
            failed: false,
        };
        if op.mutates() {
            let shot = inner.world.clone();
            inner.shots.push(shot);
        }
        let (verdict, whole) = match inner.plan {
            Plan::Kill { at: last, torn } if at == last => {
                inner.dead = true;
                if !torn || kind != Kind::Write {
                    return Err(gone());
                }
                (Verdict::Half(gone()), false)
            }
            Plan::Fail { at: bad, errno } if at == bad => {
                op.failed = true;
                let error = io::Error::from_raw_os_error(errno);
                (Verdict::Half(error), kind == Kind::Write || op.syncs())
            }
            Plan::Skip(fits) if op.syncs() && fits(&inner.log, &op) => (Verdict::Skip, true),
            _ => (Verdict::Go, true),
        };
        inner.log.push(op);
        match verdict {
            Verdict::Half(error) if !whole && kind != Kind::Write => Err(error),
            verdict => Ok((inner, verdict)),
        }
    }

    fn sync(&self, kind: Kind, path: &Path, inode: usize) -> io::Result<()> {
        let (mut inner, verdict) = self.step(kind, path)?;
        let inode = &mut inner.world.inodes[inode];
        match verdict {
            Verdict::Half(error) => {
                inode.spoilt = true;
                return Err(error);
            }
            Verdict::Go if !inode.spoilt => inode.safe = inode.now.clone(),
            _ => {}
        }
        Ok(())
    }

    fn append(&self, path: &Path, inode: usize) -> Box<dyn Append> {
        Box::new(SimFile {
            sim: self.clone(),
            path: path.to_owned(),
            inode,
        })
    }
}

fn above(path: &Path) -> PathBuf {
    path.parent().unwrap().to_owned()
}

fn folder(world: &World, path: &Path) -> io::Result<()> {
    match world.now.get(path) {
        Some(Node::Folder) => Ok(()),
        _ if path == Path::new("/") => Ok(()),
        Some(_) => Err(ErrorKind::NotADirectory.into()),
        None => Err(ErrorKind::NotFound.into()),
    }
}

fn new_file(world: &mut World, path: &Path) -> io::Result<usize> {
    folder(world, &above(path))?;
    world.inodes.push(Inode::default());
    let inode = world.inodes.len() - 1;
    world.change(
        &above(path),
        vec![(path.to_owned(), Some(Node::File(inode)))],
    );
    Ok(inode)
}

impl Disk for Sim {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let (mut inner, _) = self.step(Kind::CreateFolder, path)?;
        let mut missing = Vec::new();
        let mut at = path.to_owned();
        while folder(&inner.world, &at).is_err() {
            missing.push(at.clone());
            at = above(&at);
        }
        for path in missing.into_iter().rev() {
            inner
                .world
                .change(&above(&path), vec![(path, Some(Node::Folder))]);
        }
        Ok(())
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let (inner, _) = self.step(Kind::Canonical, path)?;
        folder(&inner.world, path).map(|()| path.to_owned())
    }

    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let (inner, _) = self.step(Kind::Entry, path)?;
        Ok(match inner.world.now.get(path) {
            Some(Node::File(inode)) => {
                Some(Entry::File(inner.world.inodes[*inode].now.len() as u64))
            }
            Some(Node::Folder) => Some(Entry::Other("a folder")),
            None if path == Path::new("/") => Some(Entry::Other("a folder")),
            None => None,
        })
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let (inner, _) = self.step(Kind::Names, path)?;
        folder(&inner.world, path)?;
        let here = inner
            .world
            .now
            .keys()
            .filter(|other| other.parent() == Some(path));
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        Ok(here.map(name).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let (inner, _) = self.step(Kind::Read, path)?;
        match inner.world.file(path) {
            Ok(inode) => Ok(Some(inner.world.inodes[inode].now.clone())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Open>> {
        let (inner, _) = self.step(Kind::Open, path)?;
        let inode = inner.world.file(path)?;
        let bytes = inner.world.inodes[inode].now.clone();
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn read_range(&self, path: &Path, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let (inner, _) = self.step(Kind::ReadRange, path)?;
        let bytes = &inner.world.inodes[inner.world.file(path)?].now;
        let end = (end as usize).min(bytes.len());
        Ok(bytes[(start as usize).min(end)..end].to_vec())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        let (mut inner, _) = self.step(Kind::Create, path)?;
        if inner.world.now.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = new_file(&mut inner.world, path)?;
        Ok(self.append(path, inode))
    }

    fn overwrite(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        let (mut inner, _) = self.step(Kind::Overwrite, path)?;
        let inode = match inner.world.file(path) {
            Ok(inode) => inode,
            Err(_) => new_file(&mut inner.world, path)?,
        };
        inner.world.inodes[inode].now.clear();
        Ok(self.append(path, inode))
    }

    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let (mut inner, _) = self.step(Kind::Truncate, path)?;
        let inode = inner.world.file(path)?;
        inner.world.inodes[inode].now.truncate(bytes as usize);
        drop(inner);
        self.sync(Kind::SyncAll, path, inode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut inner, _) = self.step(Kind::Rename, to)?;
        let node = Node::File(inner.world.file(from)?);
        let sets = vec![(from.to_owned(), None), (to.to_owned(), Some(node))];
        assert_eq!(
            above(from),
            above(to),
            "a rename between folders is two changes"
        );
        inner.world.change(&above(to), sets);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (mut inner, _) = self.step(Kind::Remove, path)?;
        inner.world.file(path)?;
        inner
            .world
            .change(&above(path), vec![(path.to_owned(), None)]);
        Ok(())
    }

    fn sync_aside(&self, mut file: Box<dyn Append>) -> Syncing {
        if !self.inner().eager {
            return Box::new(move || file.sync_all());
        }
        let synced = file.sync_all();
        Box::new(|| synced)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let (mut inner, verdict) = self.step(Kind::SyncFolder, path)?;
        folder(&inner.world, path)?;
        match verdict {
            Verdict::Half(error) => return Err(error),
            Verdict::Skip => return Ok(()),
            Verdict::Go => {}
        }
        let world = &mut inner.world;
        let (here, rest) = std::mem::take(&mut world.pending)
            .into_iter()
            .partition(|change| change.folder == path);
        world.pending = rest;
        here.iter()
            .for_each(|change: &Change| apply(&mut world.safe, change));
        Ok(())
    }

    fn lock(&self, path: &Path, _: &str) -> io::Result<Lock> {
        let (mut inner, _) = self.step(Kind::Lock, path)?;
        if inner.world.file(path).is_err() {
            new_file(&mut inner.world, path)?;
        }
        Ok(Lock::Held(Box::new(())))
    }
}

struct SimFile {
    sim: Sim,
    path: PathBuf,
    inode: usize,
}

impl Append for SimFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut inner, verdict) = self.sim.step(Kind::Write, &self.path)?;
        let now = &mut inner.world.inodes[self.inode].now;
        if let Verdict::Half(error) = verdict {
            now.extend_from_slice(&bytes[..bytes.len() / 2]);
            return Err(error);
        }
        now.extend_from_slice(bytes);
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.sim.sync(Kind::SyncData, &self.path, self.inode)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.sim.sync(Kind::SyncAll, &self.path, self.inode)
    }
}
