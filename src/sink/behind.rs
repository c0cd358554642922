//! A sink on a thread of its own: while a batch becomes durable, the next page
//! is already on its way. At most one batch waits, and the order is kept.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::error::{Error, Result};
use crate::load::{Loaded, Loader};
use crate::sink::{Batch, Outcome, Sink};

/// The sink comes back, with the error that ended it, if there was one.
type Ended = (Box<dyn Sink>, Result<()>);

/// The other end of the thread.
pub struct Behind {
    batches: Option<SyncSender<Batch>>,
    empties: Receiver<Batch>,
    thread: Option<JoinHandle<Ended>>,
    /// Back from the thread.
    sink: Option<Box<dyn Sink>>,
}

impl Behind {
    /// Moves a sink to a thread of its own.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where there can be no more threads.
    pub fn new(sink: Box<dyn Sink>) -> Result<Self> {
        let (batches, work) = sync_channel(1);
        let (done, empties) = channel();
        let thread = Builder::new()
            .name("commit".into())
            .spawn(move || run(sink, &work, &done))
            .map_err(|error| Error::local(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            batches: Some(batches),
            empties,
            thread: Some(thread),
            sink: None,
        })
    }

    /// A batch to fill, its buffers used before.
    pub fn empty(&self) -> Batch {
        self.empties.try_recv().unwrap_or_default()
    }

    /// Hands a batch over; waits while another one waits.
    ///
    /// # Errors
    /// The sink's, of this batch or one before it.
    pub fn append(&mut self, batch: Batch) -> Result<()> {
        let sent = self
            .batches
            .as_ref()
            .is_some_and(|batches| batches.send(batch).is_ok());
        if sent { Ok(()) } else { self.join() }
    }

    /// Waits for all batches and ends the sink.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish(&mut self, complete: bool) -> Result<Outcome> {
        self.join()?;
        self.sink.as_mut().ok_or_else(lost)?.finish(complete)
    }

    /// Hands finished files to a loader, after [`Behind::finish`].
    ///
    /// # Errors
    /// The second part: the sink's.
    pub fn hand_over(&mut self, loader: &mut dyn Loader) -> (Loaded, Result<()>) {
        match &mut self.sink {
            Some(sink) => sink.hand_over(loader),
            None => (Loaded::default(), Err(lost())),
        }
    }

    /// What is committed, once the thread has ended: after an error that came
    /// from it, or after [`Behind::finish`].
    pub fn committed(&mut self) -> Outcome {
        // Where the thread failed, the caller has been told.
        let _ = self.join();
        self.sink
            .as_ref()
            .map(|sink| sink.committed())
            .unwrap_or_default()
    }

    fn join(&mut self) -> Result<()> {
        self.batches = None;
        let Some(thread) = self.thread.take() else {
            return self.sink.as_ref().map(|_| ()).ok_or_else(lost);
        };
        let (sink, result) = thread.join().map_err(|_| lost())?;
        self.sink = Some(sink);
        result
    }
}

fn lost() -> Error {
    Error::local("the thread that commits is gone")
}

fn run(mut sink: Box<dyn Sink>, work: &Receiver<Batch>, done: &Sender<Batch>) -> Ended {
    while let Ok(mut batch) = work.recv() {
        if let Err(error) = sink.append(&batch) {
            return (sink, Err(error));
        }
        batch.clear();
        // Nobody takes the buffers back after the last batch.
        let _ = done.send(batch);
    }
    (sink, Ok(()))
}
