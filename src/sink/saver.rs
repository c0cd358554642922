//! Saves states on a thread of its own: while the state of one batch becomes
//! durable, the rows of the next one already do. A state is handed over only
//! when its rows are durable, and states are saved in their order, so whatever
//! state is on the disk, the rows that it vouches for are too.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::error::{Error, Result};
use crate::store::Store;

/// The other end of the thread.
pub(super) struct Saver {
    store: Arc<Store>,
    running: Option<(SyncSender<Vec<u8>>, JoinHandle<Result<()>>)>,
}

impl Saver {
    /// A saver of this store's states; its thread starts with the first one.
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            running: None,
        }
    }

    /// Hands a state over; waits while another one waits.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`], of this state or one before it.
    pub(super) fn save(&mut self, state: Vec<u8>) -> Result<()> {
        if self.running.is_none() {
            let store = Arc::clone(&self.store);
            let (states, work) = sync_channel(1);
            let thread = Builder::new()
                .name("save".into())
                .spawn(move || run(&store, &work))
                .map_err(|error| Error::local(format!("cannot start a thread: {error}")))?;
            self.running = Some((states, thread));
        }
        match &self.running {
            Some((states, _)) if states.send(state).is_ok() => Ok(()),
            _ => self.settle(),
        }
    }

    /// Waits until all states are on the disk.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`], the first that occurred.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some((states, thread)) = self.running.take() else {
            return Ok(());
        };
        drop(states);
        let lost = |_| Error::local("the thread that saves states is gone");
        thread.join().map_err(lost)?
    }
}

fn run(store: &Store, work: &Receiver<Vec<u8>>) -> Result<()> {
    work.iter().try_for_each(|state| store.save(&state))
}
